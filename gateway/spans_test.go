package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Trace contexts of strangers.
const (
	hopTrace   = "0af7651916cd43dd8448eb211c80319c"
	hopParent  = "00-" + hopTrace + "-b7ad6b7169203331-01"
	madeTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	madeParent = "00-" + madeTrace + "-00f067aa0ba902b7-01"
)

// traced makes the world's gateway record its spans.
func traced(w *world) *tracetest.SpanRecorder {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	w.gateway.opts.Tracer = provider.Tracer("gateway")
	return recorder
}

// paths are the spans of a trace by their names from the root on.
func paths(spans []sdk.ReadOnlySpan) (all []string) {
	byID := map[trace.SpanID]sdk.ReadOnlySpan{}
	for _, s := range spans {
		byID[s.SpanContext().SpanID()] = s
	}
	for _, s := range spans {
		path := s.Name()
		for up, ok := byID[s.Parent().SpanID()]; ok; up, ok = byID[up.Parent().SpanID()] {
			path = up.Name() + "/" + path
		}
		all = append(all, path)
	}
	slices.Sort(all)
	return all
}

func named(t *testing.T, spans []sdk.ReadOnlySpan, name string) sdk.ReadOnlySpan {
	t.Helper()
	i := slices.IndexFunc(spans, func(s sdk.ReadOnlySpan) bool { return s.Name() == name })
	if i < 0 {
		t.Fatalf("no span %s", name)
	}
	return spans[i]
}

func attributeOf(s sdk.ReadOnlySpan, key string) any {
	for _, a := range s.Attributes() {
		if a.Key == attribute.Key(key) {
			return a.Value.AsInterface()
		}
	}
	return nil
}

var walked = []string{"request", "request/fetch", "request/invoke", "request/route", "request/wait"}

func TestATraceReadsAsTheWalk(t *testing.T) {
	w := newWorld(t)
	recorder := traced(w)
	_, header, _ := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "traceparent", hopParent, "tracestate", "a=b")
	spans := recorder.Ended()
	if diff := cmp.Diff(walked, paths(spans)); diff != "" {
		t.Fatalf("spans (-want +got):\n%s", diff)
	}
	request, invoke := named(t, spans, "request"), named(t, spans, "invoke")
	for _, s := range spans {
		if s.SpanContext().TraceID().String() != hopTrace {
			t.Errorf("%s is of the trace %s", s.Name(), s.SpanContext().TraceID())
		}
	}
	if request.Parent().SpanID().String() != "b7ad6b7169203331" || request.SpanKind() != trace.SpanKindServer || invoke.SpanKind() != trace.SpanKindClient {
		t.Errorf("request is a %v of %v, invoke a %v", request.SpanKind(), request.Parent().SpanID(), invoke.SpanKind())
	}
	want := fmt.Sprintf("00-%s-%s-01", hopTrace, invoke.SpanContext().SpanID())
	if got := w.headers[0].Get("Traceparent"); got != want || w.headers[0].Get("Tracestate") != "a=b" {
		t.Errorf("the function was given %s %s; want %s", got, w.headers[0].Get("Tracestate"), want)
	}
	if got := header.Get("Traceresponse"); got != fmt.Sprintf("00-%s-%s-01", hopTrace, request.SpanContext().SpanID()) {
		t.Errorf("the caller was told %s", got)
	}
	for key, want := range map[string]any{
		"saccade.function": "eye", "saccade.revision": "eye-00001", "saccade.cold_start": false,
		"http.response.status_code": int64(200), "http.route": "/v1/functions/:name/detect",
	} {
		if got := attributeOf(request, key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if got := attributeOf(invoke, "saccade.instance"); got != "a" {
		t.Errorf("the instance is %v", got)
	}
}

func TestWhatGoesWrongIsSaidOfItsRoomAndOfARequestOnlyWhereItIsOurs(t *testing.T) {
	picture := string(aPicture(t))
	for _, tt := range []struct {
		name, path, body string
		refuse           error
		room             string
		status           int
		kind             functions.Kind
		ours             bool
	}{
		{"a function that is not there", "/v1/functions/ear/detect", picture, nil, "", 404, functions.NotFound, false},
		{"a picture that the function cannot read", detectPath, picture, functions.Errorf(functions.Unreadable, "cut off"), "invoke", 422, functions.Unreadable, false},
		{"a function that fails", detectPath, picture, functions.Errorf(functions.Internal, ""), "invoke", 500, functions.Internal, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.refuse = tt.refuse
			recorder := traced(w)
			w.post(tt.path, "image/png", strings.NewReader(tt.body))
			request := named(t, recorder.Ended(), "request")
			if (request.Status().Code == codes.Error) != tt.ours || attributeOf(request, "error.type") != string(tt.kind) ||
				attributeOf(request, "http.response.status_code") != int64(tt.status) {
				t.Errorf("request: %+v %v", request.Status(), request.Attributes())
			}
			if tt.room != "" && named(t, recorder.Ended(), tt.room).Status().Code != codes.Error {
				t.Errorf("nothing is said of %s", tt.room)
			}
		})
	}
}

func TestARequestThatLosesItsInstanceGoesThroughTheRoomsAgain(t *testing.T) {
	w := newWorld(t)
	w.abort = 1
	recorder := traced(w)
	w.reply2(w.post(detectPath, "image/png", bytes.NewReader(aPicture(t))))
	want := slices.Sorted(slices.Values(append(slices.Clone(walked), "request/invoke", "request/wait")))
	if diff := cmp.Diff(want, paths(recorder.Ended())); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// reply2 is reply of what post returned.
func (w *world) reply2(status int, _ http.Header, body []byte) functions.Reply {
	w.Helper()
	return w.reply(status, body)
}

func TestATraceContextThatCannotBeReadBeginsANewTraceAndIsNoError(t *testing.T) {
	for name, header := range map[string][]string{
		"none":                     nil,
		"no context at all":        {"traceparent", "hello"},
		"a trace id of zeros":      {"traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"},
		"a span id of zeros":       {"traceparent", "00-" + hopTrace + "-0000000000000000-01"},
		"upper case":               {"traceparent", strings.ToUpper(hopParent)},
		"the version that is none": {"traceparent", "ff" + hopParent[2:]},
		"too long":                 {"traceparent", hopParent + "-" + strings.Repeat("0", 4000)},
		"a state without trace":    {"tracestate", "a=b"},
	} {
		w := newWorld(t)
		recorder := traced(w)
		w.reply2(w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), header...))
		request := named(t, recorder.Ended(), "request")
		if request.Parent().IsValid() || request.SpanContext().TraceID().String() == hopTrace || !request.SpanContext().IsValid() {
			t.Errorf("%s: %v of %v", name, request.SpanContext().TraceID(), request.Parent().SpanID())
		}
		if got := w.headers[0].Get("Tracestate"); got != "" {
			t.Errorf("%s: the function was given the state %q", name, got)
		}
	}
}

func TestATraceStateThatCannotBeReadCostsTheStateAlone(t *testing.T) {
	w := newWorld(t)
	w.reply2(w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "traceparent", hopParent, "tracestate", "====,,,"))
	if h := w.headers[0]; h.Get("Traceparent") != hopParent || h.Get("Tracestate") != "" {
		t.Errorf("the function was given %q %q", h.Get("Traceparent"), h.Get("Tracestate"))
	}
}

func TestWithoutATracerTheCallersTraceGoesThroughUntouched(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.gateway.opts.Log = slog.New(slog.NewJSONHandler(&log, nil))
	_, header, _ := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)),
		"traceparent", hopParent, "tracestate", "a=b,c=d", "baggage", "user=anna")
	got := w.headers[0]
	if got.Get("Traceparent") != hopParent || got.Get("Tracestate") != "a=b,c=d" {
		t.Errorf("the function was given %q %q", got.Get("Traceparent"), got.Get("Tracestate"))
	}
	if got.Get("Baggage") != "" || header.Get("Traceresponse") != "" {
		t.Errorf("baggage %q, trace response %q", got.Get("Baggage"), header.Get("Traceresponse"))
	}
	if !strings.Contains(log.String(), `"trace_id":"`+hopTrace+`"`) {
		t.Errorf("the log lacks the trace: %s", &log)
	}
	w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)))
	if got := w.headers[1].Get("Traceparent"); got != "" {
		t.Errorf("a trace was made up: %s", got)
	}
}

func TestAnEventIsWorkedOnInTheTraceOfItsHopOrElseOfItsMaking(t *testing.T) {
	withTrace := func(parent string) string {
		extension := ""
		if parent != "" {
			extension = `"traceparent":"` + parent + `",`
		}
		return inJSON("7", `"function":"eye",`+extension+inPNG(t))
	}
	for _, tt := range []struct {
		name, hop, made string
		trace           string // "": one of its own
		parent, linked  string
	}{
		{"neither", "", "", "", "0000000000000000", ""},
		{"the hop alone", hopParent, "", hopTrace, "b7ad6b7169203331", ""},
		{"the making alone", "", madeParent, madeTrace, "00f067aa0ba902b7", ""},
		{"both the same", hopParent, hopParent, hopTrace, "b7ad6b7169203331", ""},
		{"the hop before the making, which is linked", hopParent, madeParent, hopTrace, "b7ad6b7169203331", madeTrace},
		{"a making that cannot be read", "", "00-1-2-01", "", "0000000000000000", ""},
	} {
		for _, batched := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, batched %v", tt.name, batched), func(t *testing.T) {
				w := newWorld(t)
				recorder := traced(w)
				media, body := events.ContentTypeStructured, withTrace(tt.made)
				if batched {
					media, body = events.ContentTypeBatch, "["+body+"]"
				}
				var header []string
				if tt.hop != "" {
					header = []string{"traceparent", tt.hop}
				}
				status, _, answered := w.post(eventsPath, media, strings.NewReader(body), header...)
				if status != http.StatusOK {
					t.Fatalf("%d %s", status, answered)
				}
				span := named(t, recorder.Ended(), "event")
				own := span.SpanContext().TraceID().String()
				if tt.trace != "" && own != tt.trace || tt.trace == "" && (own == hopTrace || own == madeTrace) {
					t.Errorf("the trace is %s", own)
				}
				var linked string
				if len(span.Links()) > 0 {
					linked = span.Links()[0].SpanContext.TraceID().String()
				}
				if got := span.Parent().SpanID().String(); got != tt.parent || linked != tt.linked {
					t.Errorf("child of %s, linked to %q", got, linked)
				}
				if n := len(recorder.Ended()); n != 5 {
					t.Errorf("%d spans: %v", n, paths(recorder.Ended()))
				}
				answer := answered
				if batched {
					answer = bytes.TrimSuffix(bytes.TrimPrefix(answered, []byte("[")), []byte("]"))
				}
				var e struct{ Traceparent string }
				if err := json.Unmarshal(answer, &e); err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("00-%s-%s-01", own, span.SpanContext().SpanID()); e.Traceparent != want {
					t.Errorf("the answer is of %s, want %s", e.Traceparent, want)
				}
			})
		}
	}
}

func TestWithoutATracerAnEventsTraceReachesTheFunctionAndTheAnswer(t *testing.T) {
	for _, tt := range []struct{ name, hop, made, function, answer string }{
		{"the hop alone", hopParent, "", hopParent, hopParent},
		{"the making alone", "", madeParent, madeParent, madeParent},
		{"both", hopParent, madeParent, hopParent, madeParent},
		{"neither", "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			header := []string{"Ce-Specversion", "1.0", "Ce-Id", "7", "Ce-Source", "/c", "Ce-Type", events.TypeDetect, "Ce-Function", "eye"}
			if tt.hop != "" {
				header = append(header, "traceparent", tt.hop)
			}
			if tt.made != "" {
				header = append(header, "ce-traceparent", tt.made)
			}
			_, h, _ := w.post(eventsPath, "image/png", bytes.NewReader(aPicture(t)), header...)
			if got := w.headers[0].Get("Traceparent"); got != tt.function {
				t.Errorf("the function was given %q", got)
			}
			if got := h.Get("Ce-Traceparent"); got != tt.answer {
				t.Errorf("the answer is of %q", got)
			}
		})
	}
}
