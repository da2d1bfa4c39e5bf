package gateway

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

// FuzzEventDoor: whatever a stranger sends is answered with events that answer, or
// with a problem of a status that senders of events understand.
func FuzzEventDoor(f *testing.F) {
	in64 := base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n and so on"))
	picture := `"function":"eye","datacontenttype":"image/png","data_base64":"` + in64 + `"`
	f.Add("application/cloudevents+json; charset=utf-8", "", []byte(inJSON("1", picture)))
	f.Add("Application/CloudEvents-Batch+JSON", "", []byte("["+inJSON("1", picture)+`,{},1,`+inJSON("2", `"data":{"image":{"base64":"`+in64+`"}}`)+"]"))
	f.Add("image/png", events.TypeDetect, []byte("\x89PNG\r\n\x1a\n and so on"))
	f.Add("application/json", events.TypeDetect, []byte(`{"image":{"base64":"`+in64+`"}}`))
	f.Add("image/png", events.TypeDetected, []byte("\x89PNG\r\n\x1a\n and so on"))
	f.Add("application/cloudevents", "", []byte("{}"))
	f.Fuzz(func(t *testing.T, media, kind string, body []byte) {
		if strings.Contains(strings.ToLower(string(body)), "url") {
			t.Skip("no address is asked for a picture")
		}
		w := newWorld(t)
		w.gateway.opts.Events.Routes = events.Routes{Default: "eye", Table: []events.Route{{Type: "*", Function: "eye"}}}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header = http.Header{"Content-Type": {media}}
		if kind != "" {
			r.Header["Ce-Specversion"], r.Header["Ce-Id"] = []string{"1.0"}, []string{"1"}
			r.Header["Ce-Source"], r.Header["Ce-Type"] = []string{"/s"}, []string{kind}
		}
		answer := httptest.NewRecorder()
		w.gateway.Handler().ServeHTTP(answer, r)
		checkAnswer(t, answer, body)
	})
}

func checkAnswer(t *testing.T, answer *httptest.ResponseRecorder, asked []byte) {
	h, text := answer.Header(), answer.Body.Bytes()
	switch answer.Code {
	case 200:
	case 400, 415, 422, 429, 503:
		if h.Get("Content-Type") != problem.ContentType || !json.Valid(text) {
			t.Errorf("status %d with %s", answer.Code, text)
		}
		return
	default:
		t.Fatalf("status %d: %s", answer.Code, text)
	}
	var got []events.Event
	switch mode, _ := events.ModeOf(h.Get("Content-Type")); mode {
	case events.Binary:
		e, err := events.FromHeader(h)
		if err != nil {
			t.Error(err)
		}
		got = append(got, e)
	case events.Structured:
		text = []byte("[" + string(text) + "]")
		fallthrough
	case events.Batched:
		all, err := events.Split(text, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			e, err := events.Parse(one)
			if err != nil {
				t.Errorf("%s: %v", one, err)
			}
			got = append(got, e)
		}
		if of, err := events.Split(asked, 100); err == nil && len(of) != len(got) {
			t.Errorf("%d outcomes of %d events", len(got), len(of))
		}
	}
	for _, e := range got {
		if e.Type != events.TypeDetected && e.Type != events.TypeFailed {
			t.Errorf("answered with the type %q", e.Type)
		}
	}
}
