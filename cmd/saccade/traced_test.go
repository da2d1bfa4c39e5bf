package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/gateway/events"
)

// span is one as a collector gets it.
type span struct {
	*otlp.Span
	service string
}

// otlpReceiver is a collector for OTLP over HTTP.
type otlpReceiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []span
}

func newOTLPReceiver(t *testing.T) *otlpReceiver {
	r := &otlpReceiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var message collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &message) != nil {
			t.Errorf("%d bytes are no spans: %v", len(body), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, of := range message.ResourceSpans {
			var service string
			for _, a := range of.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					r.got = append(r.got, span{s, service})
				}
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// trace is the spans of a trace, once a root and a span for each name are there.
func (r *otlpReceiver) trace(t *testing.T, id string, names []string) (spans []span) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		spans = slices.DeleteFunc(slices.Clone(r.got), func(s span) bool { return hex.EncodeToString(s.TraceId) != id })
		r.mu.Unlock()
		missing := slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(spans, func(s span) bool { return s.Name == name })
		})
		if !missing {
			return spans
		}
	}
	t.Fatalf("the trace %s has not become whole: %v", id, spanPaths(spans))
	return nil
}

// spanPaths are the spans by their names from the root on, each once.
func spanPaths(spans []span) []string {
	byID := map[string]span{}
	for _, s := range spans {
		byID[string(s.SpanId)] = s
	}
	var all []string
	for _, s := range spans {
		path := s.Name
		for up, ok := byID[string(s.ParentSpanId)]; ok; up, ok = byID[string(up.ParentSpanId)] {
			path = up.Name + "/" + path
		}
		all = append(all, path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// documentedTrace is the tree of docs/walk.md as paths.
func documentedTrace(t *testing.T) (all []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/walk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## A trace\n")
	_, tree, _ := strings.Cut(section, "```text\n")
	tree, _, found := strings.Cut(tree, "```")
	if !found {
		t.Fatal("docs/walk.md has no tree of a trace")
	}
	var path []string
	for line := range strings.Lines(tree) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		path = append(path[:depth], strings.Fields(line)[0])
		all = append(all, strings.Join(path, "/"))
	}
	slices.Sort(all)
	return all
}

func TestOneTraceLeadsFromTheCallerThroughEveryRoomAsTheWalkSays(t *testing.T) {
	r := newOTLPReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	want := documentedTrace(t)
	withoutStart := slices.DeleteFunc(slices.Clone(want), func(path string) bool {
		return strings.HasSuffix(path, "/start") || strings.HasSuffix(path, "/load") || strings.HasSuffix(path, "/warmup")
	})
	names := func(paths []string) (all []string) {
		for _, path := range paths {
			all = append(all, path[strings.LastIndex(path, "/")+1:])
		}
		return all
	}
	const callersSpan = "b7ad6b7169203331"
	withStack(t, nil, false, func(base string, _ *client.Client, _ *stack) {
		send := func(path, media, trace string, body []byte, header ...string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", media)
			if trace != "" {
				req.Header.Set("Traceparent", "00-"+trace+"-"+callersSpan+"-01")
			}
			for i := 0; i < len(header); i += 2 {
				req.Header.Set(header[i], header[i+1])
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
				t.Fatalf("%s %s", resp.Status, answer)
			}
		}
		picture := samplePictures(t)[0]
		for i, tt := range []struct {
			name string
			want []string
		}{{"cold", want}, {"warm", withoutStart}} {
			id := fmt.Sprintf("0af7651916cd43dd8448eb211c8031%02d", i)
			send("/v1/functions/centernet/detect?draw=jpeg", "image/png", id, picture)
			spans := r.trace(t, id, names(tt.want))
			if diff := cmp.Diff(tt.want, spanPaths(spans)); diff != "" {
				t.Errorf("the trace of the %s request (-docs/walk.md +got):\n%s", tt.name, diff)
			}
			checkTimes(t, spans)
			for _, s := range spans {
				service := "saccade-gateway"
				if s.Name == "request" && hex.EncodeToString(s.ParentSpanId) != callersSpan {
					t.Errorf("the request is a child of %x", s.ParentSpanId)
				}
				if path := spanPathOf(s, spans); strings.Contains(path, "detect") {
					service = "saccade-runtime"
				}
				if s.service != service {
					t.Errorf("%s is of %s", s.Name, s.service)
				}
			}
		}

		const made = "4bf92f3577b34da6a3ce929d0e0e4736"
		send("/v1/events", "image/png", "", picture, "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/c",
			"Ce-Type", events.TypeDetect, "Ce-Function", "centernet", "Ce-Traceparent", "00-"+made+"-"+callersSpan+"-01")
		var wantEvent []string
		for _, path := range withoutStart {
			if !strings.HasSuffix(path, "/draw") {
				wantEvent = append(wantEvent, "event"+strings.TrimPrefix(path, "request"))
			}
		}
		spans := r.trace(t, made, names(wantEvent))
		if diff := cmp.Diff(wantEvent, spanPaths(spans)); diff != "" {
			t.Errorf("the trace of an event (-want +got):\n%s", diff)
		}
	})
}

func spanPathOf(s span, all []span) string {
	for i := range all {
		if bytes.Equal(all[i].SpanId, s.ParentSpanId) {
			return spanPathOf(all[i], all) + "/" + s.Name
		}
	}
	return s.Name
}

// checkTimes holds each span to the time of the one it is in, but for the phases of
// a start, which may have begun before.
func checkTimes(t *testing.T, spans []span) {
	t.Helper()
	const slack = uint64(2 * time.Millisecond) // two processes read the clock
	for _, s := range spans {
		for _, up := range spans {
			if !bytes.Equal(up.SpanId, s.ParentSpanId) {
				continue
			}
			early := s.StartTimeUnixNano+slack < up.StartTimeUnixNano && !slices.Contains([]string{"start", "load", "warmup"}, s.Name)
			if early || s.EndTimeUnixNano > up.EndTimeUnixNano+slack || s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("%s, %d to %d, is outside %s, %d to %d", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano,
					up.Name, up.StartTimeUnixNano, up.EndTimeUnixNano)
			}
		}
	}
}

func TestAnExporterThatCannotBeHadStopsTheGatewayAndSaysWhy(t *testing.T) {
	needRuntime(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if _, err := newStack(testConfig(t), nil, nil); err == nil || !strings.Contains(err.Error(), "http/protobuf") {
		t.Errorf("error %v", err)
	}
}
