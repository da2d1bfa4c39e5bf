package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
)

func TestAnAnswerIsCorrelatedToItsRequest(t *testing.T) {
	asked := Event{
		ID: "7", Source: "/camera", Type: TypeDetect, Subject: "gate",
		Extensions: map[string]any{"traceparent": "00-1", "tracestate": "a=b", "correlationid": "c", "function": "eye", "other": "x"},
	}
	reply := functions.NewReply("eye", "eye-00001", functions.Answer{
		Cold: true, Start: functions.Start{Load: functions.Millis(1600 * time.Microsecond)},
	}, 3*time.Second)
	got, err := Detected(asked, "/saccade/functions/eye", reply)
	if err != nil {
		t.Fatal(err)
	}
	want := Event{
		Source: "/saccade/functions/eye", Type: TypeDetected, Subject: "gate", DataContentType: "application/json",
		Extensions: map[string]any{
			"causationid": "7", "traceparent": "00-1", "tracestate": "a=b", "correlationid": "c", "coldstart": true,
			"fetchms": int32(0), "waitms": int32(0), "decodems": int32(0), "preprocessms": int32(0), "inferms": int32(0),
			"postprocessms": int32(0), "pullms": int32(0), "startms": int32(0), "loadms": int32(2), "warmupms": int32(0),
			"totalms": int32(3000),
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Event{}, "ID", "Time", "Data")); diff != "" {
		t.Error(diff)
	}
	if got.ID == "" || got.ID == asked.ID || got.Time.IsZero() || !json.Valid(got.Data) {
		t.Errorf("id %q, time %v, data %s", got.ID, got.Time, got.Data)
	}
}

func TestAnAnswerSaysWhatItsRequestCost(t *testing.T) {
	reply := functions.NewReply("eye", "eye-00001", functions.Answer{}, time.Second)
	free, err := Detected(Event{ID: "7", Source: "/camera"}, "/saccade", reply)
	if err != nil {
		t.Fatal(err)
	}
	reply.Cost = &functions.Cost{Currency: "EUR", Total: 0.0000005, Serving: 0.0000002, ColdStart: 0.0000003}
	got, err := Detected(Event{ID: "7", Source: "/camera"}, "/saccade", reply)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"cost": "0.0000005", "costcoldstart": "0.0000003", "costcurrency": "EUR"} {
		if got.Extensions[name] != want {
			t.Errorf("%s is %v, want %v", name, got.Extensions[name], want)
		}
		if value, ok := free.Extensions[name]; ok {
			t.Errorf("where nothing is reckoned %s is %v", name, value)
		}
	}
}

func TestAFailureSaysWhatAndWhen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		after any
	}{
		{"for good", functions.Errorf(functions.NotFound, "no"), nil},
		{"for now", &functions.Error{Kind: functions.Busy, RetryAfter: 1500 * time.Millisecond}, int32(2)},
	} {
		got, err := Failed(Event{ID: "7", Source: "/camera"}, "/saccade", tt.err)
		if err != nil {
			t.Fatal(err)
		}
		if got.Type != TypeFailed || got.Source != "/saccade" || got.Extensions["causationid"] != "7" ||
			got.Extensions["retryafter"] != tt.after || got.DataContentType != "application/problem+json" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestWhatIsDeliveredTwiceIsAnsweredUnderOneID(t *testing.T) {
	id := func(source, id, kind string) string { return answerID(Event{Source: source, ID: id}, kind, "/saccade") }
	first := id("/a", "1", TypeDetected)
	if again := id("/a", "1", TypeDetected); again != first {
		t.Errorf("%s and %s", first, again)
	}
	for name, other := range map[string]string{
		"another id": id("/a", "2", TypeDetected), "another source": id("/b", "1", TypeDetected),
		"another outcome": id("/a", "1", TypeFailed), "the border shifted": id("/a1", "", TypeDetected),
	} {
		if other == first {
			t.Errorf("%s has the same id", name)
		}
	}
	one, other := id("", "1", TypeFailed), id("", "1", TypeFailed)
	if one == other {
		t.Error("events that nothing tells apart have one id")
	}
}

func TestRoutesLeadEventsToFunctions(t *testing.T) {
	routes := Routes{Default: "eye", Table: []Route{
		{Source: "/cameras/night-*", Function: "owl"},
		{Type: "com.example.*.frame", Function: "ear"},
		{Type: "com.example.*", Source: "*/x/*", Function: "x"},
		{Type: "dev.saccade.*", Function: "loop"},
		{Type: "*", Source: "/all", Function: "all"},
	}}
	for _, tt := range []struct {
		name, kind, source, want string
		asks                     bool
	}{
		{"a source", TypeDetect, "/cameras/night-7", "owl", true},
		{"the default", TypeDetect + "0", "/cameras/day-7", "loop", true},
		{"a type", "com.example.hall.frame", "/s", "ear", true},
		{"a type that ends otherwise", "com.example.hall.frames", "/s", "", false},
		{"both", "com.example.a", "/w/x/y", "x", true},
		{"a request goes its way where a type matches it", TypeDetect, "/s", "loop", true},
		{"any type", "a", "/all", "all", true},
		{"another type", "a", "/s", "", false},
		{"no answer comes round, detected", TypeDetected, "/all", "", false},
		{"no answer comes round, failed", TypeFailed, "/all", "", false},
	} {
		got, asks := routes.Route(Event{Type: tt.kind, Source: tt.source})
		if got != tt.want || asks != tt.asks {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, asks, tt.want, tt.asks)
		}
	}
	if got, asks := (Routes{Default: "eye"}).Route(Event{Type: TypeDetect}); got != "eye" || !asks {
		t.Errorf("by default: %q, %v", got, asks)
	}
	if got, asks := (Routes{Default: "eye"}).Route(Event{Type: "a"}); got != "" || asks {
		t.Errorf("another type by default: %q, %v", got, asks)
	}
	if routes.Check() != nil || (Routes{Table: []Route{{Type: "a"}}}).Check() == nil {
		t.Error("Check sees a fault where none is, or none where one is")
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a*", "ba", false},
		{"a", "ab", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*b*", "abc", true},
		{"*b*b*", "abc", false},
		{"a**c", "abc", true},
		{"*ab", "abab", true},
		{"a?", "ab", false},
	} {
		if got := glob(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%q, %q: %v", tt.pattern, tt.name, got)
		}
	}
}
