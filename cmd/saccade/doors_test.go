package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// withStack runs a whole gateway with real instances and tells its address.
func withStack(t *testing.T, change func(*config.Saccade), watch bool, use func(base string, c *client.Client, s *stack)) {
	t.Helper()
	needRuntime(t)
	cfg := testConfig(t)
	if change != nil {
		change(&cfg)
	}
	s, err := newStack(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	c, err := client.New(base, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.serve(ctx, listener, watch); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	use(base, c, s)
	c.Close()
	stop()
	group.Wait()
}

// post sends a body to centernet and returns the status and, for a refusal, its kind.
func post(t *testing.T, base, media string, body io.Reader) (int, functions.Kind) {
	t.Helper()
	resp, err := http.Post(base+"/v1/functions/centernet/detect", media, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, ""
	}
	var p problem.Problem
	if err := json.Unmarshal(text, &p); err != nil || resp.Header.Get("Content-Type") != problem.ContentType {
		t.Fatalf("%d %s is no problem", resp.StatusCode, text)
	}
	for _, internal := range []string{"/tmp", "goroutine", ".go:", ".sock"} {
		if strings.Contains(p.Detail, internal) {
			t.Errorf("the detail shows internals: %s", p.Detail)
		}
	}
	_, kind, _ := strings.Cut(p.Type, "#")
	return resp.StatusCode, functions.Kind(kind)
}

// pngHeader is a PNG that claims a size and has no pixels.
func pngHeader(width, height uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	for _, v := range []uint32{width, height} {
		b = append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, 8, 2, 0, 0, 0)
}

func TestBadPicturesAreRefusedAndMemoryStaysFlat(t *testing.T) {
	withStack(t, nil, false, func(base string, c *client.Client, s *stack) {
		good := samplePictures(t)[0]
		bad := map[string]struct {
			data []byte
			want []functions.Kind
		}{
			"cut off":             {good[:len(good)/2], []functions.Kind{functions.Unreadable}},
			"a header and no end": {pngHeader(640, 480), []functions.Kind{functions.Unreadable}},
			"30000 by 30000":      {pngHeader(30000, 30000), []functions.Kind{functions.TooLarge, functions.Unreadable}},
			"noise behind a mark": {append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte{7, 91, 200}, 1000)...), []functions.Kind{functions.Unreadable}},
			"21 MB":               {append(bytes.Clone(good), make([]byte, 21_000_000)...), []functions.Kind{functions.TooLarge}},
		}
		broken, _ := filepath.Glob(filepath.Join(sharedModels(), "..", "images", "broken", "*"))
		for _, path := range broken {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad[filepath.Base(path)] = struct {
				data []byte
				want []functions.Kind
			}{data, []functions.Kind{functions.Unreadable, functions.Unsupported, functions.TooLarge}}
		}
		if status, _ := post(t, base, "image/png", bytes.NewReader(good)); status != http.StatusOK {
			t.Fatalf("a good picture: %d", status)
		}
		for name, tt := range bad {
			status, kind := post(t, base, "image/jpeg", bytes.NewReader(tt.data))
			if status == http.StatusOK && (name == "jpeg_no_eoi.jpg" || name == "truncated.gif") {
				continue // read as far as it goes
			}
			known := false
			for _, want := range tt.want {
				known = known || kind == want
			}
			if !known || status < 400 || status > 499 {
				t.Errorf("%s: %d %s, want one of %v", name, status, kind, tt.want)
			}
		}
		for range 10 { // a good one between, so that the warm state is what is compared
			post(t, base, "image/png", bytes.NewReader(good))
		}
		before := resident(t)
		for range 5 {
			for _, tt := range bad {
				post(t, base, "image/jpeg", bytes.NewReader(tt.data))
			}
		}
		after := resident(t)
		// 50 MB is less than one of the bombs would take, were it decoded.
		if grown := after - before; grown > 50<<20 {
			t.Errorf("memory grew by %d MiB over %d bad pictures", grown>>20, 5*len(bad))
		}
		if status, _ := post(t, base, "image/png", bytes.NewReader(good)); status != http.StatusOK {
			t.Errorf("a good picture afterwards: %d", status)
		}
	})
}

// resident is the memory of this process and its instances, garbage collected.
func resident(t *testing.T) (sum int64) {
	t.Helper()
	debug.FreeOSMemory() // else it has what the collector, on a busy machine, came late for
	for _, pid := range append(children(), os.Getpid()) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				sum += kb << 10
			}
		}
	}
	return sum
}

func TestPicturesByURL(t *testing.T) {
	good := samplePictures(t)[0]
	serve := func(handler http.HandlerFunc) string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server.URL
	}
	status := func(code int) string {
		return serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	allowed := func(cfg *config.Saccade) { cfg.FetchAllow = []string{"127.0.0.1"} }
	withStack(t, allowed, false, func(base string, c *client.Client, s *stack) {
		for name, tt := range map[string]struct {
			url  string
			want functions.Kind
		}{
			"a picture": {serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				_, _ = w.Write(good)
			}), ""},
			"404":  {status(404), functions.SourceFailed},
			"500":  {status(500), functions.SourceFailed},
			"HTML": {serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), functions.SourceFailed},
			"no picture under a picture's type": {serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				_, _ = io.WriteString(w, "this is no picture at all")
			}), functions.Unsupported},
			"without end": {serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return
					}
				}
			}), functions.TooLarge},
			"nobody there":      {"http://127.0.0.1:1/x.jpg", functions.SourceFailed},
			"a private address": {"http://169.254.169.254/latest/meta-data/", functions.Forbidden},
			"not a URL":         {"::", functions.Invalid},
		} {
			_, kind := post(t, base, "application/json", strings.NewReader(fmt.Sprintf(`{"image":{"url":%q}}`, tt.url)))
			if kind != tt.want {
				t.Errorf("%s: %q, want %q", name, kind, tt.want)
			}
		}
	})
	withStack(t, nil, false, func(base string, c *client.Client, s *stack) {
		_, kind := post(t, base, "application/json", strings.NewReader(`{"image":{"url":"`+status(200)+`"}}`))
		if kind != functions.Forbidden {
			t.Errorf("loopback without an allow-list: %q, want %q", kind, functions.Forbidden)
		}
	})
}

func TestEveryDoorGivesTheSameBoxes(t *testing.T) {
	good := samplePictures(t)[0]
	withStack(t, nil, false, func(base string, c *client.Client, s *stack) {
		want, err := c.Detect(t.Context(), "centernet", client.Source{Data: good}, functions.Parameters{})
		if err != nil || !want.ColdStart || len(want.Detections) == 0 {
			t.Fatalf("the first request: %+v, %v", want, err)
		}
		start, timing := want.Timing.Start, want.Timing
		if start == nil || start.Load <= 0 || start.Start <= 0 {
			t.Errorf("the ledger of a cold start: %+v", start)
		}
		// Rooms follow one another: none is counted twice.
		if sum := timing.Sum(); sum > timing.Total {
			t.Errorf("the rooms add up to %v, the total is %v", time.Duration(sum), time.Duration(timing.Total))
		}

		h2c := &http.Transport{Protocols: new(http.Protocols)}
		h2c.Protocols.SetUnencryptedHTTP2(true)
		defer h2c.CloseIdleConnections()
		over2, err := client.New(base, client.Options{Transport: h2c})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: h2c}).Get(base + "/healthz")
		if err != nil || resp.ProtoMajor != 2 {
			t.Fatalf("HTTP/2 without TLS: %v, %v", resp, err)
		}
		resp.Body.Close()
		for name, ask := range map[string]func() (functions.Reply, error){
			"warm": func() (functions.Reply, error) {
				return c.Detect(t.Context(), "centernet", client.Source{Data: good}, functions.Parameters{})
			},
			"HTTP/2 without TLS": func() (functions.Reply, error) {
				return over2.Detect(t.Context(), "centernet", client.Source{Data: good}, functions.Parameters{})
			},
			"drawn": func() (functions.Reply, error) {
				return c.Detect(t.Context(), "centernet", client.Source{Data: good}, functions.Parameters{Draw: "jpeg"})
			},
		} {
			got, err := ask()
			if err != nil || got.ColdStart {
				t.Errorf("%s: cold %v, %v", name, got.ColdStart, err)
			}
			if diff := cmp.Diff(want.Detections, got.Detections); diff != "" {
				t.Errorf("%s (-cold +got):\n%s", name, diff)
			}
			if name == "drawn" && (got.Annotated == nil || functions.FormatOf(got.Annotated.Data) != "jpeg") {
				t.Errorf("no drawn picture came")
			}
		}
	})
}
