package openapi

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// recorded is an answer as it would have come.
func recorded(status int, mediaType string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func TestTheGatewayIsAsDescribed(t *testing.T) {
	j := newJudge(t)
	t.Run("what the description shows is as it says", j.testShownAnswers)
	t.Run("what is not described is seen", j.testJudge)
	t.Run("seen", func(t *testing.T) { // until all of these are over
		t.Run("an upload that stalls", func(t *testing.T) {
			t.Parallel() // it takes ten seconds
			j.testSlowUpload(t)
		})
		t.Run("in order", func(t *testing.T) {
			t.Parallel()
			t.Run("every example", j.testExamples)
			t.Run("jobs", j.testJobs)
			t.Run("other forms of answers", j.testForms)
			t.Run("doors", j.testDoors)
			t.Run("errors", j.testErrors)
		})
	})
	j.testCoverage(t)
}

// testCoverage refuses an operation that no test has seen answered well, in each of
// the forms it has for that. Of errors it tells which were not provoked.
func (j *judge) testCoverage(t *testing.T) {
	var seen, unseen []string
	for _, o := range j.operations {
		for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
			types := slices.Sorted(maps.Keys(o.Responses[status].Content))
			if len(types) == 0 {
				types = []string{""}
			}
			for _, mediaType := range types {
				what := strings.TrimSpace(o.ID + " " + status + " " + mediaType)
				switch {
				case j.seen[what]:
					seen = append(seen, what)
				case status < "4":
					t.Errorf("%s was never answered", what)
				default:
					unseen = append(unseen, what)
				}
			}
		}
	}
	t.Logf("%d operations; of %d answers that are described %d were seen and held against the description:\n%s\nnot provoked:\n%s",
		len(j.operations), len(seen)+len(unseen), len(seen), strings.Join(seen, "\n"), strings.Join(unseen, "\n"))
}

// testForms asks for answers in the forms that no example asks for.
func (j *judge) testForms(t *testing.T) {
	png := sample(t, "chelsea.png")
	for _, mediaType := range []string{"image/png", "image/jpeg"} {
		a := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: png, header: http.Header{"Accept": {mediaType}}})
		if a.status != http.StatusOK || a.media != mediaType {
			t.Errorf("asked for %s: %d %s", mediaType, a.status, a.media)
		}
	}
	for _, x := range []exchange{
		{operation: "detect", mediaType: "image/png", body: png}, {operation: "describeInJSON"}, {operation: "describeInYAML"},
	} {
		x.header = http.Header{"If-None-Match": {j.send(t, x).header.Get("ETag")}}
		if a := j.send(t, x); a.status != http.StatusNotModified || len(a.body) > 0 {
			t.Errorf("%s, asked again with its tag %s: %d", x.operation, x.header, a.status)
		}
	}
	for n := range 50 { // each another picture: a number behind its end makes it one
		j.works(t, exchange{operation: "detect", id: "watched", mediaType: "image/png", body: append(slices.Clip(png), byte(n))})
	}
	if a := j.send(t, exchange{operation: "showDriftReference", id: "watched"}); a.status != http.StatusOK {
		t.Errorf("the reference: %d %s", a.status, a.body)
	}
	light := j.example(t, j.operation(t, "detect"), "application/json", "base64")
	if a := j.send(t, light); !bytes.Contains(a.body, []byte(`"class":"traffic light"`)) {
		t.Errorf("the example shows a traffic light, and there is none in %s", a.body)
	}
	metrics := exchange{operation: "showMetrics", header: http.Header{"Accept": {"application/openmetrics-text; version=1.0.0"}}}
	if a := j.send(t, metrics); a.media != "application/openmetrics-text" {
		t.Errorf("metrics as %s", a.media)
	}
	for _, id := range []string{"showFunction", "listDecisions"} {
		j.works(t, exchange{operation: id})
	}
	for _, id := range []string{"sendEvent", "deliverEvent"} {
		o := j.operation(t, id)
		x := j.example(t, o, "application/cloudevents-batch+json", "two")
		// Its second event fails alone where the caller waits; where none does, all are refused.
		if a := j.send(t, x); a.status != http.StatusOK || !bytes.Contains(a.body, []byte("dev.saccade.failed.v1")) {
			t.Errorf("%s: a batch: %d %s", id, a.status, a.body)
		}
		one := j.example(t, o, "application/cloudevents+json", "picture")
		x.body = slices.Concat([]byte("["), one.body, []byte("]"))
		x.header.Set("Prefer", "respond-async")
		if a := j.send(t, x); a.status != http.StatusAccepted || !bytes.Contains(a.body, []byte("dev.saccade.accepted.v1")) {
			t.Errorf("%s: a batch for later: %d %s", id, a.status, a.body)
		}
		one.header.Set("Prefer", "respond-async")
		if a := j.send(t, one); a.status != http.StatusAccepted || len(a.body) > 0 || a.header.Get("Location") == "" {
			t.Errorf("%s: for later: %d %s", id, a.status, a.body)
		}
	}
}

// testJudge shows the judge what is not as described.
func (j *judge) testJudge(t *testing.T) {
	const good = `{"id":"a","state":"queued","status_url":"/v1/jobs/a"}`
	r := j.request(t, exchange{operation: "detect", mediaType: "image/png"})
	for _, tt := range []struct {
		name, mediaType, body, header string
		status                        int
		ok                            bool
	}{
		{"as described", "application/json", good, "", 202, true},
		{"a property that is not described", "application/json", `{"id":"a","state":"queued","status_url":"/","more":1}`, "", 202, false},
		{"one that is missing", "application/json", `{"id":"a","state":"queued"}`, "", 202, false},
		{"a value that is none of those listed", "application/json", `{"id":"a","state":"lost","status_url":"/"}`, "", 202, false},
		{"another type of body", "text/html", good, "", 202, false},
		{"another status", "application/json", good, "", 299, false},
		{"a header that is not described", "application/json", good, "X-More", 202, false},
		{"a property that is not described, within", "application/json", `{"function":"f","revision":"r","model_sha256":"",
			"image":{"width":1,"height":1,"format":"png","depth":8},"detections":[],"cold_start":false,
			"timing_ms":{"fetch":0,"wait":0,"decode":0,"preprocess":0,"infer":0,"postprocess":0,"total":0}}`, "", 200, false},
	} {
		resp := recorded(tt.status, tt.mediaType, []byte(tt.body))
		if tt.header != "" {
			resp.Header.Set(tt.header, "1")
		}
		if ok, faults := j.validator.ValidateHttpResponse(r, resp); ok != tt.ok {
			t.Errorf("%s: %v %s", tt.name, ok, told(faults))
		}
	}
	for _, tt := range []struct {
		name string
		x    exchange
	}{
		{"a field that is not described", exchange{operation: "detect", mediaType: "application/json", body: []byte(`{"image":{"url":"data:,"},"x":1}`)}},
		{"a parameter that is not described", exchange{operation: "detect", mediaType: "image/png", query: "x=1"}},
		{"a score above one", exchange{operation: "detect", mediaType: "image/png", query: "min_score=1.5"}},
	} {
		if ok, _ := j.validator.ValidateHttpRequestSync(j.request(t, tt.x)); ok {
			t.Errorf("a request with %s was taken", tt.name)
		}
	}
}
