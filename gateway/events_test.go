package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

const eventsPath = "/v1/events"

// head is an event of a binary message.
var head = []string{
	"Ce-Specversion", "1.0", "Ce-Id", "7", "Ce-Source", "/camera", "Ce-Type", events.TypeDetect,
	"Ce-Subject", "gate 1", "Ce-Function", "eye", "Ce-Traceparent", "00-1-2-01", "Ce-Tracestate", "a=b",
}

// inJSON is an event with what is given after its attributes: members as JSON.
func inJSON(id, members string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/camera","type":%q,%s}`, id, events.TypeDetect, members)
}

const forEye = `"subject":"gate 1","function":"eye","traceparent":"00-1-2-01","tracestate":"a=b",`

// inAnotherPNG is inPNG with a picture that was not there before.
func inAnotherPNG(t *testing.T) string {
	picture := append(aPicture(t), rand.Text()...)
	return `"datacontenttype":"image/png","data_base64":"` + base64.StdEncoding.EncodeToString(picture) + `"`
}

// inPNG is the data of an event with a picture.
func inPNG(t *testing.T) string {
	return `"datacontenttype":"image/png","data_base64":"` + base64.StdEncoding.EncodeToString(aPicture(t)) + `"`
}

// detected checks that e answers the request with the id 7, and returns its reply.
func detected(t *testing.T, e events.Event) functions.Reply {
	t.Helper()
	var reply functions.Reply
	if err := json.Unmarshal(e.Data, &reply); err != nil || len(reply.Detections) != 1 {
		t.Errorf("data %s, %v", e.Data, err)
	}
	if e.Type != events.TypeDetected || e.Source != "/saccade/functions/eye" || e.Subject != "gate 1" ||
		e.ID == "" || e.ID == "7" || e.Time.IsZero() || e.DataContentType != "application/json" {
		t.Errorf("answered with %+v", e)
	}
	for name, want := range map[string]string{
		"causationid": "7", "traceparent": "00-1-2-01", "tracestate": "a=b", "coldstart": "false", "inferms": "0",
	} {
		if got := fmt.Sprint(e.Extensions[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	return reply
}

func TestAnEventIsAnsweredInTheModeItCameIn(t *testing.T) {
	picture := aPicture(t)
	in64 := base64.StdEncoding.EncodeToString(picture)
	body := `{"image":{"base64":"` + in64 + `"},"min_score":0.4}`
	bodyIn64 := base64.StdEncoding.EncodeToString([]byte(body))
	old := strings.NewReplacer(`"1.0"`, `"0.3"`)
	for _, tt := range []struct {
		name, path, media, body string
		mode                    events.Mode
		query                   string
	}{
		{"binary, a picture", "/", "image/png", string(picture), events.Binary, ""},
		{"binary, a picture of no type that is known", "/", "application/octet-stream", string(picture), events.Binary, ""},
		{"binary, JSON", eventsPath, "Application/JSON; charset=UTF-8", body, events.Binary, "min_score=0.4"},
		{"binary, a parameter in the URL", eventsPath + "?min_score=0.2", "image/png", string(picture), events.Binary, "min_score=0.2"},
		{"structured, a picture", "/", "application/cloudevents+json", inJSON("7", forEye+inPNG(t)), events.Structured, ""},
		{"structured, a picture of no type", "/", "application/cloudevents+json", inJSON("7", forEye+`"data_base64":"`+in64+`"`), events.Structured, ""},
		{"structured, JSON", eventsPath, "application/cloudevents+json; charset=utf-8", inJSON("7", forEye+`"data":`+body), events.Structured, "min_score=0.4"},
		{"structured, JSON that says so", eventsPath, `Application/CloudEvents+JSON;Charset="UTF-8"`, inJSON("7", forEye+`"datacontenttype":"application/json","data":`+body), events.Structured, "min_score=0.4"},
		{"structured, JSON in base64", eventsPath, "application/cloudevents+json", inJSON("7", forEye+`"datacontenttype":"application/json","data_base64":"`+bodyIn64+`"`), events.Structured, "min_score=0.4"},
		{"structured, 0.3", eventsPath, "application/cloudevents+json", old.Replace(inJSON("7", forEye+`"datacontenttype":"image/png","datacontentencoding":"base64","data":"`+in64+`"`)), events.Structured, ""},
		{"batched", "/", "Application/CloudEvents-Batch+JSON;charset=utf-8", "[" + inJSON("7", forEye+inPNG(t)) + "]", events.Batched, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var header []string
			if tt.mode == events.Binary {
				header = head
			}
			status, h, body := w.post(tt.path, tt.media, strings.NewReader(tt.body), header...)
			if status != http.StatusOK {
				t.Fatalf("status %d, %s", status, body)
			}
			var e events.Event
			var err error
			switch tt.mode {
			case events.Binary:
				e, err = events.FromHeader(h)
				e.Data = body
			case events.Structured:
				e, err = events.Parse(body)
			case events.Batched:
				e, err = events.Parse(onlyOf(t, body))
			}
			if mode, _ := events.ModeOf(h.Get("Content-Type")); mode != tt.mode || err != nil {
				t.Fatalf("answered as %s, %v", h.Get("Content-Type"), err)
			}
			detected(t, e)
			if len(w.asked) != 1 || string(w.asked[0]) != string(picture) || w.queries[0] != tt.query {
				t.Errorf("the function got %d pictures, parameters %q, want %q", len(w.asked), w.queries, tt.query)
			}
		})
	}
}

func onlyOf(t *testing.T, batch []byte) []byte {
	all, err := events.Split(batch, 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %v", batch, err)
	}
	return all[0]
}

func TestAnEventThatWillNeverWorkIsRefusedForGood(t *testing.T) {
	const structured, batched = "application/cloudevents+json", "application/cloudevents-batch+json"
	picture := string(aPicture(t))
	for _, tt := range []struct {
		name, media, body string
		header            []string
		status            int
	}{
		{"no CloudEvent", "image/png", picture, nil, 400},
		{"no content type", "", picture, head, 415},
		{"a binary event without its id", "image/png", picture, []string{"Ce-Specversion", "1.0", "Ce-Source", "/s", "Ce-Type", events.TypeDetect}, 400},
		{"text", "text/plain", "hello", head, 415},
		{"text as a picture", "image/png", "hello, hello, hello", head, 415},
		{"an empty body", "image/png", "", head, 422},
		{"an empty body of JSON", "application/json", "", head, 400},
		{"malformed JSON in a binary event", "application/json", `{"image":`, head, 400},
		{"a compressed body", "image/png", picture, append([]string{"Content-Encoding", "gzip"}, head...), 415},
		{"XML", "application/cloudevents+xml", "<event/>", nil, 415},
		{"malformed JSON", structured, `{"specversion":`, nil, 400},
		{"an empty structured event", structured, ``, nil, 400},
		{"a structured event without its type", structured, `{"specversion":"1.0","id":"1","source":"/s","function":"eye"}`, nil, 400},
		{"no data", structured, inJSON("7", `"function":"eye"`), nil, 400},
		{"a picture as text", structured, inJSON("7", forEye+`"datacontenttype":"image/png","data":"x"`), nil, 400},
		{"data of another type", structured, inJSON("7", forEye+`"datacontenttype":"text/plain","data":"x"`), nil, 415},
		{"malformed base64", structured, inJSON("7", forEye+`"datacontenttype":"image/png","data_base64":"***"`), nil, 400},
		{"no such function", structured, inJSON("7", `"function":"ear",`+inPNG(t)), nil, 422},
		{"no such function, and a subject that is one", structured, inJSON("7", `"subject":"eye","function":"ear",`+inPNG(t)), nil, 422},
		{"a subject that is no function", structured, inJSON("7", `"subject":"gate",`+inPNG(t)), nil, 422},
		{"no function at all", structured, inJSON("7", inPNG(t)), nil, 400},
		{"an address that is not fetched from", structured, inJSON("7", forEye+`"data":{"image":{"url":"http://169.254.169.254/x"}}`), nil, 422},
		{"an event of another type", structured, strings.Replace(inJSON("7", forEye+inPNG(t)), events.TypeDetect, "com.example.a", 1), nil, 400},
		{"our own answer", structured, strings.Replace(inJSON("7", forEye+inPNG(t)), events.TypeDetect, events.TypeDetected, 1), nil, 400},
		{"our own failure", structured, strings.Replace(inJSON("7", forEye+inPNG(t)), events.TypeDetect, events.TypeFailed, 1), nil, 400},
		{"a batch that is an event", batched, inJSON("7", forEye+inPNG(t)), nil, 400},
		{"an event that is a batch", structured, "[" + inJSON("7", forEye+inPNG(t)) + "]", nil, 400},
		{"a malformed batch", batched, "[{},", nil, 400},
		{"a batch of too many", batched, "[" + strings.Repeat("{},", 100) + "{}]", nil, 400},
		{"a batch of too many bytes", batched, "[" + strings.Repeat(" ", 32_000_000) + "]", nil, 422},
		{"a picture of too many bytes", "image/png", picture + strings.Repeat("x", DefaultMaxBytes), head, 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			status, h, body := w.post("/", tt.media, strings.NewReader(tt.body), tt.header...)
			w.kind(status, h, body)
			if status != tt.status || h.Get("Retry-After") != "" || len(w.asked) != 0 {
				t.Errorf("status %d, Retry-After %q, %d asked: %s; want %d", status, h.Get("Retry-After"), len(w.asked), body, tt.status)
			}
		})
	}
}

func TestAnEventThatMayWorkLaterIsToldWhen(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse error
		status int
		after  string
	}{
		{"busy", &functions.Error{Kind: functions.Busy, RetryAfter: 3 * time.Second}, 429, "3"},
		{"not available", functions.Errorf(functions.Unavailable, "no"), 503, "5"},
		{"too slow", functions.Errorf(functions.Timeout, "no"), 503, "5"},
		{"a fault of ours", functions.Errorf(functions.Internal, ""), 503, "5"},
	} {
		w := newWorld(t)
		w.refuse = tt.refuse
		status, h, body := w.post("/", "image/png", strings.NewReader(string(aPicture(t))), head...)
		if kind := w.kind(status, h, body); kind != functions.KindOf(tt.refuse) || status != tt.status || h.Get("Retry-After") != tt.after {
			t.Errorf("%s: %d, Retry-After %q, %s", tt.name, status, h.Get("Retry-After"), kind)
		}
	}
}

func TestTheFunctionIsWhatTheEventSaysElseWhereARouteLeads(t *testing.T) {
	routes := events.Routes{Table: []events.Route{
		{Source: "/elsewhere", Function: "ear"}, {Type: "com.example.frame", Source: "/cam*", Function: "eye"},
	}, Default: "eye"}
	other := func(text string) string { return strings.Replace(text, events.TypeDetect, "com.example.frame", 1) }
	for _, tt := range []struct {
		name, body string
		routes     events.Routes
		status     int
	}{
		{"the extension", inJSON("7", `"function":"eye",`+inPNG(t)), events.Routes{}, 200},
		{"the subject", inJSON("7", `"subject":"eye",`+inPNG(t)), events.Routes{Default: "ear"}, 200},
		{"the default, whatever the subject", inJSON("7", `"subject":"frame-1",`+inPNG(t)), routes, 200},
		{"a route for another type", other(inJSON("7", inPNG(t))), routes, 200},
		{"another type where no route is", other(inJSON("7", inPNG(t))), events.Routes{Default: "eye"}, 400},
		{"a route that leads to no function", inJSON("7", inPNG(t)), events.Routes{Default: "ear"}, 422},
	} {
		w := newWorld(t)
		w.gateway.opts.Events.Routes = tt.routes
		if status, _, body := w.post("/", "application/cloudevents+json", strings.NewReader(tt.body)); status != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, status, tt.status, body)
		}
	}
}

func TestAFunctionThatADrainingGatewayDoesNotKnowMayBeKnownToTheNext(t *testing.T) {
	w := newWorld(t)
	w.gateway.opts.Ready = func() bool { return false }
	status, _, body := w.post("/", "application/cloudevents+json", strings.NewReader(inJSON("7", `"function":"ear",`+inPNG(t))))
	if status != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", status, body)
	}
}
