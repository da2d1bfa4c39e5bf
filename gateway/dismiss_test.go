package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/access"
)

const upload = 30 << 20

// picture30 is the beginning of a PNG, and 30 MB in all.
func picture30() io.Reader {
	return io.MultiReader(strings.NewReader("\x89PNG\r\n\x1a\n"), bytes.NewReader(make([]byte, upload-8)))
}

// chunked hides from net/http how much there is.
type chunked struct{ io.Reader }

func TestWhoeverIsRefusedHearsWhy(t *testing.T) {
	w := newWorld(t)
	key, _, err := access.NewKey("someone", access.Grant{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.New(access.Options{Keys: []access.Key{key}}, "127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	closed := New(w.gateway.Rooms, w, Options{Access: keys})
	for name, c := range map[string]struct {
		gateway    *Gateway
		path, kind string
		chunked    bool
		want       functions.Kind
	}{
		"too large by its own account": {path: "/v1/functions/eye/detect", kind: "image/png", want: functions.TooLarge},
		"too large, as it turns out":   {path: "/v1/functions/eye/detect", kind: "image/png", chunked: true, want: functions.TooLarge},
		"no such function":             {path: "/v1/functions/ear/detect", kind: "image/png", want: functions.NotFound},
		"no picture":                   {path: "/v1/functions/eye/detect", kind: "text/plain", want: functions.Unsupported},
		"a form without a boundary":    {path: "/v1/functions/eye/detect", kind: "multipart/form-data", want: functions.Invalid},
		"a body of JSON":               {path: "/v1/functions/eye/detect", kind: "application/json", chunked: true, want: functions.TooLarge},
		"nobody":                       {gateway: closed, path: "/v1/functions/eye/detect", kind: "image/png", want: functions.Unauthenticated},
		"nobody, in chunks":            {gateway: closed, path: "/v1/functions/eye/detect", kind: "image/png", chunked: true, want: functions.Unauthenticated},
		"an event that is none":        {path: "/v1/events", kind: "image/png", want: functions.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			server := w.server
			if c.gateway != nil {
				server = httptest.NewServer(c.gateway.Handler())
				defer server.Close()
			}
			for n := range 5 {
				body := picture30()
				if c.chunked {
					body = chunked{body}
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+c.path, body)
				if err != nil {
					t.Fatal(err)
				}
				if r.Header.Set("Content-Type", c.kind); !c.chunked {
					r.ContentLength = upload
				}
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Fatalf("the %d. time: %v", n+1, err)
				}
				told := problem.Read(resp)
				resp.Body.Close()
				if told.Kind != c.want {
					t.Errorf("it is told %d %v", resp.StatusCode, told)
				}
			}
		})
	}
}

func TestHundredOfAHundredHearThatTheyAreRefused(t *testing.T) {
	w := newWorld(t)
	var heard atomic.Int64
	var group sync.WaitGroup
	each := make(chan struct{}, 8)
	for range 100 {
		each <- struct{}{}
		group.Go(func() {
			defer func() { <-each }()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/v1/functions/eye/detect", picture30())
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = upload
			r.Header.Set("Content-Type", "image/png")
			resp, err := w.server.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if told := problem.Read(resp); told.Kind == functions.TooLarge && strings.Contains(told.Detail, "at most 20000000") {
				heard.Add(1)
			}
		})
	}
	group.Wait()
	if heard.Load() != 100 {
		t.Errorf("%d of 100 heard it", heard.Load())
	}
}

// Many clients send all they have before they look for an answer. To these it was lost.
func TestWhoSendsEverythingFirstHearsWhy(t *testing.T) {
	w := newWorld(t)
	for _, length := range []string{fmt.Sprintf("Content-Length: %d", upload), "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/functions/ear/detect HTTP/1.1\r\nHost: gateway\r\nContent-Type: image/png\r\n%s\r\n\r\n", length)
		var body io.Writer = conn
		if strings.Contains(length, "chunked") {
			fmt.Fprintf(conn, "%x\r\n", upload)
		}
		if _, err := io.Copy(body, picture30()); err != nil {
			t.Errorf("%s: the upload: %v", length, err)
		}
		if strings.Contains(length, "chunked") {
			fmt.Fprint(conn, "\r\n0\r\n\r\n")
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", length, err)
		}
		if told := problem.Read(resp); told.Kind != functions.NotFound || !resp.Close {
			t.Errorf("%s: it is told %v, and to keep the connection", length, told)
		}
		conn.Close()
	}
}

// Who stops without a word, or sends drop by drop, is not waited for any longer.
func TestARefusedCallerIsNotListenedToForEver(t *testing.T) {
	short := patience{bytes: 1 << 20, time: 200 * time.Millisecond, silence: 100 * time.Millisecond, callers: 8}
	for name, c := range map[string]struct{ send func(net.Conn) error }{
		"one that is silent":          {func(net.Conn) error { return nil }},
		"one that sends for ever":     {func(c net.Conn) error { _, err := c.Write(make([]byte, 64<<10)); return err }},
		"one that sends drop by drop": {func(c net.Conn) error { _, err := c.Write([]byte("x")); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(dismiss(newWorld(t).gateway.Handler(), short))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /v1/functions/ear/detect HTTP/1.1\r\nHost: gateway\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n\x89PNG\r\n\x1a\n", int64(1)<<40)
			stopped := make(chan struct{})
			var group sync.WaitGroup
			group.Go(func() {
				for c.send(conn) == nil {
					select {
					case <-stopped:
						return
					case <-time.After(time.Millisecond):
					}
				}
			})
			reader := bufio.NewReader(conn)
			resp, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if told := problem.Read(resp); told.Kind != functions.NotFound {
				t.Error(told)
			}
			// It hangs where the server listens for ever.
			if _, err := reader.ReadByte(); err == nil {
				t.Error("there is more after the answer")
			}
			close(stopped)
			conn.Close()
			group.Wait()
		})
	}
}

// Who waits for word to send does not send, and what is small is read as before: the
// connection is kept.
func TestASmallRefusalKeepsItsConnection(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for _, form := range []string{"Content-Length: 100000\r\n\r\n%s", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n%s\r\n0\r\n\r\n"} {
		fmt.Fprintf(conn, "POST /v1/functions/ear/detect HTTP/1.1\r\nHost: gateway\r\nContent-Type: image/png\r\n"+form, strings.Repeat("x", 100000))
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if told := problem.Read(resp); told.Kind != functions.NotFound || resp.Close {
			t.Errorf("%v, closed %v", told, resp.Close)
		}
		resp.Body.Close()
	}
	fmt.Fprintf(conn, "POST /v1/functions/ear/detect HTTP/1.1\r\nHost: gateway\r\nContent-Type: image/png\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", upload)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Fatalf("%+v, %v; want no word to send", resp, err)
	}
}

// More than so many at a time are left to net/http, which answers them too.
func TestNoMoreThanSoManyAreListenedToAtATime(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	server := httptest.NewServer(dismiss(refuse, patient))
	defer server.Close()
	var group sync.WaitGroup
	for range patient.callers + 20 {
		group.Go(func() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%s", upload, make([]byte, readAnyway+1))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusForbidden {
				t.Errorf("%+v, %v", resp, err)
			}
		})
	}
	group.Wait()
}
