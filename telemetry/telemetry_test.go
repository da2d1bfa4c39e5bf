package telemetry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// quiet is an environment without OpenTelemetry's variables but those given.
func quiet(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, value) // so that it is there again afterwards
			os.Unsetenv(name)
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func TestTheEnvironmentSaysWhetherThereAreTraces(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for _, tt := range []struct {
		name  string
		env   map[string]string
		on    bool
		fault string
	}{
		{"nothing said", nil, false, ""},
		{"an endpoint for everything", map[string]string{envEndpoint: endpoint}, true, ""},
		{"an endpoint for traces", map[string]string{envTracesEndpoint: endpoint}, true, ""},
		{"the exporter by name", map[string]string{envExporter: "otlp"}, true, ""},
		{"an empty endpoint is none", map[string]string{envEndpoint: ""}, false, ""},
		{"none beats an endpoint", map[string]string{envEndpoint: endpoint, envExporter: "none"}, false, ""},
		{"disabled beats all", map[string]string{envExporter: "otlp", envDisabled: "TRUE"}, false, ""},
		{"disabled beats what is wrong", map[string]string{envExporter: "zipkin", envDisabled: "true"}, false, ""},
		{"another exporter", map[string]string{envExporter: "zipkin"}, false, `"zipkin"; there are otlp and none`},
		{"gRPC, which would lose every span", map[string]string{envEndpoint: endpoint, envProtocol: "grpc"}, false, `"grpc"; traces are sent as http/protobuf`},
		{
			"gRPC for all else",
			map[string]string{envEndpoint: endpoint, envProtocol: "grpc", envTracesProtocol: "http/protobuf"},
			true, "",
		},
		{"a sampler that does not exist", map[string]string{envEndpoint: endpoint, envSampler: "jaeger_remote"}, false, "jaeger_remote"},
		{
			"a share that is none",
			map[string]string{envEndpoint: endpoint, envSampler: "traceidratio", envSamplerArg: "half"},
			false, `"half"; a share of traces is a number between 0 and 1`,
		},
		{
			"a share of more than all",
			map[string]string{envEndpoint: endpoint, envSampler: "parentbased_traceidratio", envSamplerArg: "1.5"},
			false, "between 0 and 1",
		},
		{"resource attributes that cannot be read", map[string]string{envEndpoint: endpoint, "OTEL_RESOURCE_ATTRIBUTES": "team"}, false, "OTEL_RESOURCE_ATTRIBUTES"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			quiet(t, tt.env)
			traces, err := New(Options{Service: "test"})
			defer func() { _ = traces.Shutdown(t.Context()) }()
			if (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("error %v; want %q", err, tt.fault)
			}
			if err == nil && traces.On() != tt.on {
				t.Errorf("on: %v", traces.On())
			}
		})
	}
}

// receiver is an OTLP/HTTP collector.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*collector.ExportTraceServiceRequest
	status int // what it answers, 0 for yes
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var message collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &message); err != nil || req.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", req.URL.Path, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.status != 0 {
			w.WriteHeader(r.status)
			return
		}
		r.got = append(r.got, &message)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestSpansReachTheCollectorWithWhoseTheyAre(t *testing.T) {
	r := newReceiver(t)
	quiet(t, map[string]string{envEndpoint: r.URL, "OTEL_RESOURCE_ATTRIBUTES": "service.version=theirs,team=eyes"})
	traces, err := New(Options{Service: "saccade-test", Version: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer("part").Start(t.Context(), "room")
	span.End()
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.got) != 1 {
		t.Fatalf("%d deliveries", len(r.got))
	}
	resource := r.got[0].ResourceSpans[0]
	var about []string
	for _, a := range resource.Resource.Attributes {
		about = append(about, a.Key+"="+a.Value.GetStringValue())
	}
	for _, want := range []string{"service.name=saccade-test", "service.version=theirs", "team=eyes", "telemetry.sdk.language=go"} {
		if !slices.Contains(about, want) {
			t.Errorf("%q lacks %s", about, want)
		}
	}
	scope := resource.ScopeSpans[0]
	if scope.Scope.Name != "part" || scope.Spans[0].Name != "room" {
		t.Errorf("scope %s, span %s", scope.Scope.Name, scope.Spans[0].Name)
	}
}

func TestTheSamplerIsTheEnvironments(t *testing.T) {
	r := newReceiver(t)
	quiet(t, map[string]string{envEndpoint: r.URL, envSampler: "always_off"})
	traces, err := New(Options{Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer("part").Start(t.Context(), "room")
	span.End()
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if span.IsRecording() || len(r.got) != 0 {
		t.Errorf("recording: %v, %d deliveries", span.IsRecording(), len(r.got))
	}
}

func TestWithoutAnExporterTheCallersTraceIsHandedOnUnchanged(t *testing.T) {
	quiet(t, nil)
	traces, err := New(Options{Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, Remote: true})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), caller)
	ctx, span := traces.Tracer("part").Start(ctx, "room")
	if span.IsRecording() || !trace.SpanContextFromContext(ctx).Equal(caller) {
		t.Errorf("recording: %v, context %v", span.IsRecording(), trace.SpanContextFromContext(ctx))
	}
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFailingCollectorIsToldOfOnceAndSoIsItsReturn(t *testing.T) {
	r := newReceiver(t)
	quiet(t, map[string]string{envEndpoint: r.URL})
	var told []error
	traces, err := New(Options{Service: "test", Failed: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(status int) {
		t.Helper()
		r.mu.Lock()
		r.status = status
		r.mu.Unlock()
		_, span := traces.Tracer("part").Start(t.Context(), "room")
		span.End()
		if err := traces.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	deliver(0)
	deliver(http.StatusForbidden) // a status that is not tried again
	deliver(http.StatusForbidden)
	deliver(0)
	deliver(0)
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || told[0] == nil || told[1] != nil {
		t.Errorf("told %v", told)
	}
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	quiet(t, map[string]string{envEndpoint: server.URL})
	traces, err := New(Options{Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer("part").Start(t.Context(), "room")
	span.End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := traces.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
}

// A gateway without an exporter must not notice that there could be one.
func BenchmarkARoomWithoutAnExporter(b *testing.B) {
	b.Setenv(envDisabled, "true")
	traces, err := New(Options{Service: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	tracer := traces.Tracer("part")
	b.ReportAllocs()
	for b.Loop() {
		_, span := tracer.Start(b.Context(), "room")
		span.End()
	}
}
