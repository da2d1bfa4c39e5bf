package serve

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// recording makes options whose spans are recorded.
func recording(o Options) (Options, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	o.Tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder)).Tracer("serve")
	return o, recorder
}

// told is a span as the tests compare it: when it began, after the first moment of
// the process, how long it was, and in what.
type told struct {
	Name, In   string
	At, Length time.Duration
}

func toldBy(recorder *tracetest.SpanRecorder, began time.Time) (all []told) {
	names := map[trace.SpanID]string{}
	for _, s := range recorder.Ended() {
		names[s.SpanContext().SpanID()] = s.Name()
	}
	for _, s := range recorder.Ended() {
		all = append(all, told{s.Name(), names[s.Parent().SpanID()], s.StartTime().Sub(began), s.EndTime().Sub(s.StartTime())})
	}
	slices.SortStableFunc(all, func(a, b told) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return int(b.Length - a.Length)
	})
	return all
}

// askTraced sends a picture in a trace of the caller's.
func askTraced(s *Server, body []byte, parent string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/detect", bytes.NewReader(body))
	r.Header.Set("Traceparent", parent)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestAColdPicturesTraceHasTheStartAndItsOwnRunAsTheWarmUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		o, recorder := recording(Options{Asked: 7 * time.Millisecond})
		s := New(o)
		started := starting(t, s, loads(3*time.Second, &fake{takes: 40 * time.Millisecond}, 1))
		time.Sleep(time.Second)
		askTraced(s, picture(t), "00-"+callersTrace+"-"+callersSpan+"-01")
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		const ms = time.Millisecond
		want := []told{
			{"start", "detect", -7 * ms, 7 * ms},
			{"load", "detect", 0, 3000 * ms},
			{"detect", "", 1000 * ms, 2040 * ms},
			{"fetch", "detect", 1000 * ms, 0},
			{"wait", "detect", 1000 * ms, 0},
			{"decode", "detect", 1000 * ms, 0},
			{"wait", "detect", 1000 * ms, 2000 * ms},
			{"warmup", "detect", 3000 * ms, 40 * ms},
			{"infer", "detect", 3000 * ms, 40 * ms},
		}
		got := toldBy(recorder, began)
		byName := func(all []told) []told {
			slices.SortFunc(all, func(a, b told) int {
				if a.Name != b.Name {
					return bytes.Compare([]byte(a.Name), []byte(b.Name))
				}
				return int(a.Length - b.Length)
			})
			return all
		}
		if diff := cmp.Diff(byName(want), byName(got)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		for _, span := range recorder.Ended() {
			if span.SpanContext().TraceID().String() != callersTrace {
				t.Errorf("%s is of another trace", span.Name())
			}
			if span.Name() == "detect" && span.Parent().SpanID().String() != callersSpan {
				t.Errorf("detect is a child of %s", span.Parent().SpanID())
			}
		}
	})
}

func TestAPictureThatComesWhileTheFunctionWarmsUpWaitsForTheRunOnNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		o, recorder := recording(Options{})
		s := New(o)
		started := starting(t, s, loads(3*time.Second, &fake{takes: 40 * time.Millisecond}, 1))
		time.Sleep(3*time.Second + 10*time.Millisecond)
		askTraced(s, picture(t), "")
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		for _, span := range toldBy(recorder, began) {
			switch span.Name {
			case "warmup":
				if span.In != "detect" || span.At != 3*time.Second || span.Length != 40*time.Millisecond {
					t.Errorf("%+v", span)
				}
			case "infer":
				if span.In != "detect" || span.At != 3040*time.Millisecond {
					t.Errorf("%+v", span)
				}
			}
		}
		if n := len(recorder.Ended()); n != 9 {
			t.Errorf("%d spans: %+v", n, toldBy(recorder, began))
		}
	})
}

func TestAFailedPicturesTraceEndsInTheRoomThatRefusedIt(t *testing.T) {
	for name, tt := range map[string]struct {
		body  func([]byte) []byte
		fails func(int) error
		kind  functions.Kind
		last  string
	}{
		"a picture cut off": {func(p []byte) []byte { return p[:50] }, nil, functions.Unreadable, "decode"},
		"a run that panics": {func(p []byte) []byte { return p }, func(n int) error {
			if n > 1 {
				panic("oops")
			}
			return nil
		}, functions.Internal, "wait"},
		"a run that fails": {func(p []byte) []byte { return p }, func(n int) error {
			if n > 1 {
				return errors.New("out of memory")
			}
			return nil
		}, functions.Internal, "wait"},
	} {
		t.Run(name, func(t *testing.T) {
			o, recorder := recording(Options{})
			s := ready(t, &fake{fails: tt.fails}, o, 1)
			ask(t.Context(), s, "", tt.body(picture(t)))
			spans := recorder.Ended()
			if len(spans) < 2 {
				t.Fatalf("%d spans", len(spans))
			}
			detect, last := spans[len(spans)-1], spans[len(spans)-2]
			var kind string
			for _, a := range detect.Attributes() {
				if a.Key == "error.type" {
					kind = a.Value.AsString()
				}
			}
			if detect.Name() != "detect" || kind != string(tt.kind) || last.Name() != tt.last {
				t.Errorf("%s with %q after %s", detect.Name(), kind, last.Name())
			}
		})
	}
}

func TestWithoutATracerThereIsNoSpan(t *testing.T) {
	s := ready(t, &fake{}, Options{}, 1)
	if w := askTraced(s, picture(t), "00-"+callersTrace+"-"+callersSpan+"-01"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
