package openapi

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// testErrors provokes what goes wrong: each has its status and its kind.
func (j *judge) testErrors(t *testing.T) {
	png := sample(t, "chelsea.png")
	at := func(address string) []byte { return fmt.Appendf(nil, `{"image":{"url":%q}}`, address) }
	event := func(more string, picture []byte) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"/s","type":"dev.saccade.detect.v1",%s"datacontenttype":"image/png","data_base64":%q}`,
			more, base64.StdEncoding.EncodeToString(picture))
	}
	const inJSON, inEvent = "application/json", "application/cloudevents+json"
	later := http.Header{"Prefer": {"respond-async"}}
	for _, tt := range []struct {
		name   string
		x      exchange
		status int
		kind   string
	}{
		{"JSON that is none", exchange{operation: "detect", mediaType: inJSON, body: []byte(`{`), wrong: true}, 400, "invalid-request"},
		{"a field that there is not", exchange{operation: "detect", mediaType: inJSON, body: []byte(`{"image":{"url":"data:,"},"x":1}`), wrong: true}, 400, "invalid-request"},
		{"a score above one", exchange{operation: "detect", query: "min_score=1.5", mediaType: "image/png", body: png, wrong: true}, 400, "invalid-request"},
		{"a parameter that there is not", exchange{operation: "detect", query: "x=1", mediaType: "image/png", body: png, wrong: true}, 400, "invalid-request"},
		{"a callback of a request that is answered at once", exchange{operation: "detect", query: "callback=http%3A%2F%2Fa.example%2F", mediaType: "image/png", body: png}, 400, "invalid-request"},
		{"a timeout that is none", exchange{operation: "detect", header: http.Header{"Request-Timeout": {"soon"}}, mediaType: "image/png", body: png}, 400, "invalid-request"},
		{"a key for another function", exchange{operation: "detect", mediaType: "image/png", body: png, key: "narrow"}, 403, "not-permitted"},
		{"a private address", exchange{operation: "detect", mediaType: inJSON, body: at("http://10.0.0.1/x.png")}, 403, "address-not-allowed"},
		{"a function that there is not", exchange{operation: "detect", id: "nonesuch", mediaType: "image/png", body: png}, 404, "function-not-found"},
		{"too many bytes", exchange{operation: "detect", mediaType: "image/png", body: append(slices.Clone(png), make([]byte, 1_000_000)...)}, 413, "picture-too-large"},
		{"a text", exchange{operation: "detect", mediaType: "text/plain", body: []byte("hello"), wrong: true}, 415, "unsupported-format"},
		{"bytes that are no picture", exchange{operation: "detect", mediaType: "image/png", body: []byte("hello")}, 415, "unsupported-format"},
		{"a picture that is cut off", exchange{operation: "detect", mediaType: "image/png", body: png[:1000]}, 422, "unreadable-picture"},
		{"a host that fails", exchange{operation: "detect", mediaType: inJSON, body: at(j.hosts.URL + "/broken")}, 502, "picture-source-failed"},
		{"a function that does not come up", exchange{operation: "detect", id: "broken", mediaType: "image/png", body: png}, 503, "function-unavailable"},
		{"an address of a job that there is not", exchange{operation: "showJob", id: "none-1"}, 404, "job-not-found"},
		{"cancelling a job that there is not", exchange{operation: "cancelJob", id: "none-1"}, 404, "job-not-found"},
		{"redriving a job that there is not", exchange{operation: "redriveJob", id: "none-1"}, 404, "job-not-found"},
		{"following a job that there is not", exchange{operation: "followJob", id: "none-1"}, 404, "job-not-found"},
		{"redriving a job that there is not, without being an administrator", exchange{operation: "redriveJob", id: "none-1", key: "sender"}, 403, "not-permitted"},
		{"a state that there is not", exchange{operation: "listJobs", query: "state=x", wrong: true}, 400, "invalid-request"},
		{"showing a function that there is not", exchange{operation: "showFunction", id: "nonesuch"}, 404, "function-not-found"},
		{"showing another function than one's own", exchange{operation: "showFunction", key: "narrow"}, 403, "not-permitted"},
		{"decisions of a function that there is not", exchange{operation: "listDecisions", id: "nonesuch"}, 404, "function-not-found"},
		{"costs since a time that is none", exchange{operation: "reportCosts", query: "since=x"}, 400, "invalid-request"},
		{"no event", exchange{operation: "sendEvent", mediaType: inEvent, body: []byte(`{}`), wrong: true}, 400, "invalid-request"},
		{"an event for another's function", exchange{operation: "sendEvent", mediaType: inEvent, body: event("", png), key: "narrow"}, 403, "not-permitted"},
		{"an event for a function that there is not", exchange{operation: "deliverEvent", mediaType: inEvent, body: event(`"function":"nonesuch",`, png)}, 422, "function-not-found"},
		{"an event with a text", exchange{operation: "deliverEvent", mediaType: inEvent, body: event("", []byte("hello"))}, 415, "unsupported-format"},
		{"an event with a cut picture", exchange{operation: "sendEvent", mediaType: inEvent, body: event("", png[:1000])}, 422, "unreadable-picture"},
		{"an event for a function that does not come up", exchange{operation: "deliverEvent", mediaType: inEvent, body: event(`"function":"broken",`, png)}, 503, "function-unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := j.send(t, tt.x); a.status != tt.status || a.problem() != tt.kind {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	t.Run("more than the limit", func(t *testing.T) {
		j.send(t, exchange{operation: "detect", mediaType: "image/png", body: png, key: "slow"})
		for _, x := range []exchange{
			{operation: "detect", mediaType: "image/png", body: png},
			{operation: "sendEvent", mediaType: inEvent, body: event("", png)},
			{operation: "deliverEvent", mediaType: inEvent, body: event("", png)},
		} {
			x.key = "slow"
			if a := j.send(t, x); a.problem() != "over-limit" || a.header.Get("Retry-After") == "" || !strings.Contains(a.header.Get("RateLimit"), "r=0") {
				t.Errorf("%s: %d %s %s", x.operation, a.status, a.header, a.body)
			}
		}
	})
	t.Run("an idempotency key that was used with another request", func(t *testing.T) {
		header := later.Clone()
		header.Set("Idempotency-Key", "the-same")
		first := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: png, header: header})
		again := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: png, header: header})
		other := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: sample(t, "coffee.png"), header: header})
		if first.status != http.StatusAccepted || again.header.Get("Location") != first.header.Get("Location") || other.problem() != "conflict" {
			t.Errorf("%d, %d, %d %s", first.status, again.status, other.status, other.body)
		}
	})
	t.Run("a deadline that cannot be kept", func(t *testing.T) {
		fresh := append(slices.Clone(png), 0) // a picture that no answer is known to
		a := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: fresh, header: http.Header{"X-Request-Deadline": {"1"}}})
		if a.status != http.StatusServiceUnavailable || a.problem() != "deadline-too-short" {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("a function without time", func(t *testing.T) {
		a := j.send(t, exchange{operation: "detect", id: "hasty", mediaType: "image/png", body: png})
		if a.status != http.StatusGatewayTimeout {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("no such path", func(t *testing.T) {
		resp, err := http.Post(j.url+"/v1/nothing", inJSON, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s", resp.Status, resp.Header)
		}
	})
}

// testDoors knocks at every operation without the scopes that it is described to need.
func (j *judge) testDoors(t *testing.T) {
	open := 0
	for _, o := range j.operations {
		scopes := o.scopes()
		if len(scopes) == 0 {
			open++
			continue
		}
		x := exchange{operation: o.ID, id: "centernet"}
		if len(o.Body.Content) > 0 {
			x.mediaType, x.body = "image/png", sample(t, "chelsea.png")
		}
		x.key = "unknown"
		if a := j.send(t, x); a.problem() != "not-authenticated" || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s with a key that is none: %d %s", o.ID, a.status, a.body)
		}
		x.key = map[string]string{"detect": "looker", "read": "sender"}[scopes[0]]
		if a := j.send(t, x); a.problem() != "not-permitted" {
			t.Errorf("%s without the scope %s: %d %s", o.ID, scopes[0], a.status, a.body)
		}
	}
	if open != 4 { // health, readiness, and the description twice
		t.Errorf("%d operations are open to everybody", open)
	}
}

// testSlowUpload sends the head of a picture, and no more.
func (j *judge) testSlowUpload(t *testing.T) {
	a := j.send(t, exchange{operation: "detect", mediaType: "image/png", body: sample(t, "chelsea.png")[:5000], stalls: true, wrong: true})
	if a.status != http.StatusRequestTimeout || a.problem() != "upload-timeout" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
