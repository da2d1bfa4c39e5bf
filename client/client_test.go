package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// gateway answers with handler and is reached by the client.
func gateway(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return reach(t, s.URL)
}

func reach(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(base, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const cold = `{"function":"centernet","revision":"centernet-00001","model_sha256":"ab","image":{"width":512,"height":300,"format":"jpeg"},
"detections":[{"class":"cat","class_id":15,"score":0.5,"box":{"x1":1,"y1":2,"x2":3,"y2":4}}],"cold_start":true,
"timing_ms":{"fetch":1,"wait":160.25,"decode":2,"preprocess":3,"infer":75,"postprocess":0.5,"pull":0,"start":12,"load":55,"warmup":80,"total":412},
"annotated":{"content_type":"image/png","data":"iVBORw=="},"a_later_field":1}`

func TestDetectSendsThePictureAndReadsTheReply(t *testing.T) {
	type sent struct{ Method, URI, ContentType, Accept, Body string }
	for _, tt := range []struct {
		name     string
		function string
		picture  Source
		params   functions.Parameters
		want     sent
	}{
		{
			"a JPEG as its bytes", "centernet",
			Source{Data: []byte("\xff\xd8\xff\xe0")},
			functions.Parameters{},
			sent{"POST", "/v1/functions/centernet/detect", "image/jpeg", "application/json", "\xff\xd8\xff\xe0"},
		},
		{
			"a TIFF with parameters in the query", "centernet",
			Source{Data: []byte("II*\x00")},
			functions.Parameters{MinScore: new(0.4), Draw: "png"},
			sent{"POST", "/v1/functions/centernet/detect?draw=png&min_score=0.4", "image/tiff", "application/json", "II*\x00"},
		},
		{
			"a score of zero is a score", "centernet",
			Source{Data: []byte("GIF89a")},
			functions.Parameters{MinScore: new(0.0)},
			sent{"POST", "/v1/functions/centernet/detect?min_score=0", "image/gif", "application/json", "GIF89a"},
		},
		{
			"bytes that are no picture", "centernet",
			Source{Data: []byte("<html>")},
			functions.Parameters{},
			sent{"POST", "/v1/functions/centernet/detect", "application/octet-stream", "application/json", "<html>"},
		},
		{
			"a URL", "centernet",
			Source{URL: "https://example.com/x.jpg?a=1"},
			functions.Parameters{},
			sent{"POST", "/v1/functions/centernet/detect", "application/json", "application/json", `{"image":{"url":"https://example.com/x.jpg?a=1"}}`},
		},
		{
			"a URL with parameters in the body", "centernet",
			Source{URL: "https://example.com/x.jpg"},
			functions.Parameters{MinScore: new(0.4), Draw: "jpeg"},
			sent{"POST", "/v1/functions/centernet/detect", "application/json", "application/json", `{"image":{"url":"https://example.com/x.jpg"},"min_score":0.4,"draw":"jpeg"}`},
		},
		{
			"a name that is more than a path segment", "../x?y#z",
			Source{Data: []byte("GIF89a")},
			functions.Parameters{},
			sent{"POST", "/v1/functions/..%2Fx%3Fy%23z/detect", "image/gif", "application/json", "GIF89a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got sent
			c := gateway(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = sent{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Accept"), string(body)}
				_, _ = io.WriteString(w, cold)
			})
			reply, err := c.Detect(t.Context(), tt.function, tt.picture, tt.params)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(coldReply(), reply); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

func coldReply() functions.Reply {
	ms := func(v float64) functions.Millis { return functions.Millis(v * float64(time.Millisecond)) }
	return functions.Reply{
		Function: "centernet", Revision: "centernet-00001", ModelSum: "ab",
		Picture:    functions.Picture{Width: 512, Height: 300, Format: "jpeg"},
		Detections: []functions.Detection{{Class: "cat", ClassID: 15, Score: 0.5, Box: functions.Box{X1: 1, Y1: 2, X2: 3, Y2: 4}}},
		ColdStart:  true,
		Timing: functions.ReplyTiming{
			Timing: functions.Timing{Fetch: ms(1), Wait: ms(160.25), Decode: ms(2), Preprocess: ms(3), Infer: ms(75), Postprocess: ms(.5)},
			Start:  &functions.Start{Start: ms(12), Load: ms(55), Warmup: ms(80)},
			Total:  ms(412),
		},
		Annotated: &functions.Annotated{ContentType: "image/png", Data: []byte("\x89PNG")},
	}
}

func TestErrorsOfTheGatewayComeBackAsTheyWere(t *testing.T) {
	sent := &functions.Error{Kind: functions.Busy, Detail: "centernet has 100 requests waiting", RetryAfter: 3 * time.Second}
	c := gateway(t, func(w http.ResponseWriter, _ *http.Request) { problem.Write(w, sent) })
	_, err := c.Detect(t.Context(), "centernet", Source{Data: []byte("GIF89a")}, functions.Parameters{})
	got, ok := errors.AsType[*functions.Error](err)
	if !ok {
		t.Fatalf("got %v, want a functions.Error", err)
	}
	if diff := cmp.Diff(*sent, *got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if _, err := c.Functions(t.Context()); functions.KindOf(err) != functions.Busy {
		t.Errorf("Functions: got %v", err)
	}
	if _, err := c.Function(t.Context(), "centernet"); functions.KindOf(err) != functions.Busy {
		t.Errorf("Function: got %v", err)
	}
}

func TestAnswersThatAreNoReply(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		says    string
	}{
		{"HTML of a proxy in between", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>Bad Gateway", http.StatusBadGateway) }, "502 Bad Gateway"},
		{"a redirect, which is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "307"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, "reading the gateway's reply"},
		{"JSON cut short", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, cold[:80]) }, "reading the gateway's reply"},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reaching the gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var requests atomic.Int32
			c := gateway(t, func(w http.ResponseWriter, r *http.Request) { requests.Add(1); tt.handler(w, r) })
			_, err := c.Detect(t.Context(), "centernet", Source{Data: []byte("GIF89a")}, functions.Parameters{})
			if err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, ErrNoGateway) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("the gateway got %d requests, want 1", n)
			}
		})
	}
}

func TestNoGatewayIsToldApart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	c := reach(t, l.Addr().String())
	for what, ask := range map[string]func() error{
		"Detect": func() error {
			_, err := c.Detect(t.Context(), "centernet", Source{Data: []byte("GIF89a")}, functions.Parameters{})
			return err
		},
		"Functions": func() error { _, err := c.Functions(t.Context()); return err },
		"Function":  func() error { _, err := c.Function(t.Context(), "centernet"); return err },
	} {
		if err := ask(); !errors.Is(err, ErrNoGateway) {
			t.Errorf("%s: got %v, want ErrNoGateway", what, err)
		}
	}

	missing, err := New("http://gateway", Options{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", t.TempDir()+"/no.sock")
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := missing.Functions(t.Context()); !errors.Is(err, ErrNoGateway) {
		t.Errorf("a socket that is not there: got %v, want ErrNoGateway", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Functions(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoGateway) {
		t.Errorf("a cancelled call: got %v", err)
	}
}

func TestFunctionsAreListed(t *testing.T) {
	status := functions.FunctionStatus{Name: "centernet", State: "ready", Ready: 1}
	c := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/functions":
			fmt.Fprint(w, `{"functions":[{"name":"centernet","state":"ready","instances_ready":1}]}`)
		case "/v1/functions/centernet":
			fmt.Fprint(w, `{"name":"centernet","state":"ready","instances_ready":1}`)
		default:
			problem.Write(w, functions.Errorf(functions.NotFound, "no %s", r.URL.Path))
		}
	})
	list, err := c.Functions(t.Context())
	if diff := cmp.Diff([]functions.FunctionStatus{status}, list); diff != "" || err != nil {
		t.Errorf("list: %v (-want +got):\n%s", err, diff)
	}
	one, err := c.Function(t.Context(), "centernet")
	if diff := cmp.Diff(status, one); diff != "" || err != nil {
		t.Errorf("one: %v (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"", ".", "..", "other"} {
		if _, err := c.Function(t.Context(), name); functions.KindOf(err) != functions.NotFound {
			t.Errorf("%q: got %v, want it not found", name, err)
		}
		_, err := c.Detect(t.Context(), name, Source{}, functions.Parameters{})
		if functions.KindOf(err) != functions.NotFound {
			t.Errorf("detecting with %q: got %v, want it not found", name, err)
		}
	}
}

func TestTheGatewaysAddress(t *testing.T) {
	for base, want := range map[string]string{
		"127.0.0.1:8080":            "http://127.0.0.1:8080/v1/functions",
		"http://localhost:8080":     "http://localhost:8080/v1/functions",
		"https://example.com/saca/": "https://example.com/saca/v1/functions",
		"[::1]:8080":                "http://[::1]:8080/v1/functions",
	} {
		if got := reach(t, base).base.JoinPath("v1", "functions").String(); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
	for _, base := range []string{"", "http://", "ftp://example.com", "http://a b", "http://example.com/?x=1", "://x"} {
		if _, err := New(base, Options{}); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}
