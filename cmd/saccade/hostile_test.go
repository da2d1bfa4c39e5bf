package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/recall"
	"github.com/seed45885407/saccade/gateway/routing"
)

// asleep is a platform whose only function never wakes, and that counts who tries.
type asleep struct{ woken int }

func (a *asleep) Arrived(string)                        { a.woken++ }
func (a *asleep) Left(string, time.Duration)            {}
func (a *asleep) Functions() []functions.FunctionStatus { return nil }

// pipes is a listener whose connections are in memory, so that their time can be
// virtual.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// hostile runs attack against the real server in virtual time. dial opens a
// connection.
func hostile(t *testing.T, attack func(t *testing.T, platform *asleep, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		platform := &asleep{}
		routes := &routing.Table{}
		routes.Set(functions.Revision{
			Name:     "eye-00001",
			Function: functions.Function{Metadata: functions.Metadata{Name: "eye"}}.WithDefaults(),
		})
		fetcher, err := fetch.New(fetch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rooms := gateway.Rooms{
			Routes: routes, Fetch: fetcher, Waiting: coldstart.New(platform, coldstart.Options{}), Recall: recall.New(recall.Options{}), Invoke: invoke.New(),
		}
		server := newServer(gateway.New(rooms, platform, gateway.Options{}).Handler(), slog.New(slog.DiscardHandler))
		listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		var dialled []net.Conn
		attack(t, platform, func() net.Conn {
			near, far := net.Pipe()
			listener.conns <- far
			dialled = append(dialled, near)
			return near
		})
		for _, conn := range dialled {
			conn.Close()
		}
		time.Sleep(time.Minute) // whoever still drips notices
		server.Close()
		<-done
		rooms.Invoke.Close()
		fetcher.Close()
	})
}

// answerTo reads what comes back, in the background: whoever writes to a pipe needs
// somebody to read. Status 0 is a connection closed without a word.
func answerTo(conn net.Conn) <-chan int {
	status := make(chan int, 1)
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			status <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		status <- resp.StatusCode
	}()
	return status
}

// drip writes text a few bytes at a time until the connection is closed.
func drip(conn net.Conn, text string, bytes int, every time.Duration) {
	for len(text) > 0 {
		n := min(bytes, len(text))
		if _, err := io.WriteString(conn, text[:n]); err != nil {
			return
		}
		text = text[n:]
		time.Sleep(every)
	}
}

const upload = "POST /v1/functions/eye/detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"

func TestASlowHeaderIsCutOff(t *testing.T) {
	hostile(t, func(t *testing.T, platform *asleep, dial func() net.Conn) {
		conn := dial()
		status, began := answerTo(conn), time.Now()
		drip(conn, upload+strings.Repeat("X-Slow: loris\r\n", 10_000), 1, time.Second)
		if got, took := <-status, time.Since(began); took > 15*time.Second || got == http.StatusOK {
			t.Errorf("status %d after %v", got, took)
		}
	})
}

func TestASlowBodyIsAnsweredAndHoldsNothing(t *testing.T) {
	png := string(pngHeader(64, 64))
	for _, tt := range []struct {
		name, body string
		bytes      int
		every      time.Duration
		within     time.Duration
	}{
		{"that never begins", "", 0, 0, 11 * time.Second},
		{"of a byte a second", png + strings.Repeat("x", 10_000), 1, time.Second, 11 * time.Second},
		{"that stops in the middle", png, len(png), time.Second, 12 * time.Second},
		{"of a kilobyte a second", png + strings.Repeat("x", 600_000), 1 << 10, time.Second, 25 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hostile(t, func(t *testing.T, platform *asleep, dial func() net.Conn) {
				conn := dial()
				status, began := answerTo(conn), time.Now()
				fmt.Fprintf(conn, "%sContent-Length: 700000\r\n\r\n", upload)
				go drip(conn, tt.body, tt.bytes, tt.every)
				if got, took := <-status, time.Since(began); got != http.StatusRequestTimeout || took > tt.within {
					t.Errorf("status %d after %v, want 408 within %v", got, took, tt.within)
				}
			})
		})
	}
}

func TestASenderOverAPoorLinkIsLetFinish(t *testing.T) {
	hostile(t, func(t *testing.T, platform *asleep, dial func() net.Conn) {
		conn := dial()
		status := answerTo(conn)
		fmt.Fprintf(conn, "%sContent-Length: 500000\r\n\r\n", upload)
		drip(conn, string(pngHeader(64, 64))+strings.Repeat("x", 500_000), 4<<10, time.Second) // two minutes
		if got := <-status; got != http.StatusGatewayTimeout {
			t.Errorf("status %d; want 504, since the function never wakes", got)
		}
		if platform.woken != 1 {
			t.Errorf("the function was woken %d times", platform.woken)
		}
	})
}

func TestWhatIsTooMuchIsRefusedBeforeItIsTaken(t *testing.T) {
	folded := &bytes.Buffer{}
	writer := gzip.NewWriter(folded)
	_, _ = writer.Write(append(pngHeader(64, 64), make([]byte, 50_000_000)...))
	_ = writer.Close()
	deep := `{"image":` + strings.Repeat(`{"a":`, 1_000_000)
	deepEvent := `{"specversion":"1.0","id":"1","source":"/s","type":"dev.saccade.detect.v1","data":` + strings.Repeat("[", 5_000_000)
	chunk := "10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n"
	withBody := func(head, media, body string) string {
		return head + fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", media, len(body), body)
	}
	const post = "POST /v1/functions/eye/detect HTTP/1.1\r\nHost: localhost\r\n"
	const event = "POST / HTTP/1.1\r\nHost: localhost\r\n"
	for _, tt := range []struct {
		name, message string
		want          int
	}{
		{"a header of a megabyte", post + "X-Big: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", 431},
		{"ten thousand header fields", post + strings.Repeat("X-Many: 1\r\n", 10_000) + "\r\n", 431},
		{"a URL of a megabyte", "POST /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431},
		{"a body that says it has a terabyte", upload + "Content-Length: 1000000000000\r\n\r\n" + string(pngHeader(1, 1)), 413},
		{"a body without end", upload + "Transfer-Encoding: chunked\r\n\r\n1d\r\n" + string(pngHeader(64, 64)) + "\r\n" + strings.Repeat(chunk, 400), 413},
		{"JSON without end", post + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 600), 413},
		{"a body that unfolds a thousandfold", withBody(post+"Content-Encoding: gzip\r\n", "image/png", folded.String()), 415},
		{"JSON that unfolds", withBody(post+"Content-Encoding: gzip\r\n", "application/json", folded.String()), 415},
		{"an event that unfolds", withBody(event+"Content-Encoding: gzip\r\n", "application/cloudevents+json", folded.String()), 415},
		{"JSON a million levels deep", withBody(post, "application/json", deep), 400},
		{"an event five million levels deep", withBody(event, "application/cloudevents+json", deepEvent), 400},
		{"a batch five million levels deep", withBody(event, "application/cloudevents-batch+json", strings.Repeat("[", 5_000_000)), 400},
		{"a form of a thousand fields", withBody(post, "multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=min_score\r\n\r\n1\r\n", 1000)), 400},
		{"a body of two lengths", upload + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400},
		{"a length and chunks", upload + "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hostile(t, func(t *testing.T, platform *asleep, dial func() net.Conn) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				conn := dial()
				status := answerTo(conn)
				go io.WriteString(conn, tt.message)
				if got := <-status; got != tt.want {
					t.Errorf("status %d, want %d", got, tt.want)
				}
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > 120<<20 {
					t.Errorf("%d MB were allocated", took>>20)
				}
			})
		})
	}
}

func TestAThousandSlowSendersLeaveRoomForOthers(t *testing.T) {
	hostile(t, func(t *testing.T, platform *asleep, dial func() net.Conn) {
		for range 1000 {
			conn := dial()
			answerTo(conn)
			go drip(conn, upload+"X-Slow: loris\r\n", 1, time.Second)
		}
		time.Sleep(5 * time.Second)
		conn := dial()
		status, began := answerTo(conn), time.Now()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if got := <-status; got != http.StatusOK || time.Since(began) > time.Second {
			t.Errorf("status %d after %v", got, time.Since(began))
		}
	})
}
