package openapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

type job struct {
	ID, State string
	Version   json.Number
}

// later makes a job of a picture at an address, and returns when it is in the state.
func (j *judge) later(t *testing.T, address, state string) job {
	t.Helper()
	body, err := json.Marshal(map[string]any{"image": map[string]string{"url": address}})
	if err != nil {
		t.Fatal(err)
	}
	a := j.send(t, exchange{
		operation: "detect", mediaType: "application/json", body: body,
		header: http.Header{"Prefer": {"respond-async"}},
	})
	var receipt job
	a.decode(t, &receipt)
	if a.status != http.StatusAccepted || a.header.Get("Location") != "/v1/jobs/"+receipt.ID {
		t.Fatalf("%d %s %s", a.status, a.header, a.body)
	}
	return j.until(t, receipt.ID, state)
}

// until asks for a job until it is in the state.
func (j *judge) until(t *testing.T, id, state string) job {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var shown job
		a := j.send(t, exchange{operation: "showJob", id: id})
		a.decode(t, &shown)
		if shown.State == state {
			return shown
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job never was %s: %s", state, a.body)
		}
	}
}

// testJobs goes through what can be done with a job.
func (j *judge) testJobs(t *testing.T) {
	done := j.later(t, j.hosts.URL+"/samples/chelsea.png", "done")
	t.Run("a job that is done", func(t *testing.T) {
		if a := j.send(t, exchange{operation: "showJob", id: done.ID}); !bytes.Contains(a.body, []byte(`"result":{"function":"centernet"`)) {
			t.Errorf("no result: %s", a.body)
		}
		if a := j.send(t, exchange{operation: "cancelJob", id: done.ID}); a.problem() != "conflict" {
			t.Errorf("cancelling it: %d %s", a.status, a.body)
		}
		if a := j.send(t, exchange{operation: "redriveJob", id: done.ID}); a.problem() != "conflict" {
			t.Errorf("redriving it: %d %s", a.status, a.body)
		}
		if a := j.send(t, exchange{operation: "showJob", id: done.ID, key: "slow"}); a.status != http.StatusNotFound {
			t.Errorf("another caller sees it: %d %s", a.status, a.body)
		}
		j.follows(t, done)
	})
	t.Run("a job that is cancelled", func(t *testing.T) {
		retried := j.later(t, j.hosts.URL+"/broken", "retrying")
		if a := j.send(t, exchange{operation: "cancelJob", id: retried.ID}); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
		j.until(t, retried.ID, "cancelled")
	})
	t.Run("a dead letter", func(t *testing.T) {
		dead := j.later(t, "http://10.0.0.1/", "failed")
		if a := j.send(t, exchange{operation: "redriveJob", id: dead.ID, key: "narrow"}); a.status == http.StatusAccepted {
			t.Errorf("anybody redrives: %s", a.body)
		}
		if a := j.send(t, exchange{operation: "redriveJob", id: dead.ID}); a.status != http.StatusAccepted {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("pages of jobs", func(t *testing.T) {
		var page struct {
			Jobs []job
			Next string
		}
		j.send(t, exchange{operation: "listJobs", query: "limit=1"}).decode(t, &page)
		if len(page.Jobs) != 1 || page.Next == "" {
			t.Fatalf("the first page is %+v", page)
		}
		if a := j.send(t, exchange{operation: "listJobs", query: "limit=1&cursor=" + page.Next}); a.status != http.StatusOK {
			t.Errorf("the second: %d %s", a.status, a.body)
		}
	})
}

// follows reads a finished job's stream, each event of which has the job as described.
func (j *judge) follows(t *testing.T, done job) {
	t.Helper()
	stream := j.send(t, exchange{operation: "followJob", id: done.ID})
	if stream.media != "text/event-stream" {
		t.Fatalf("%d %s", stream.status, stream.header)
	}
	told := 0
	for event := range strings.SplitSeq(string(stream.body), "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(event) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			fields[name] = value
		}
		if fields["data"] == "" {
			continue
		}
		told++
		header := stream.header.Clone()
		header.Set("Content-Type", "application/json")
		header.Del("X-Accel-Buffering")
		shown := answer{status: http.StatusOK, header: header, media: "application/json", body: []byte(fields["data"])}
		j.judge(t, j.request(t, exchange{operation: "showJob", id: done.ID}), "showJob", shown)
		var state job
		shown.decode(t, &state)
		if fields["event"] != state.State || fields["id"] != state.Version.String() {
			t.Errorf("the event %s has the job %+v", event, state)
		}
	}
	if told == 0 {
		t.Errorf("the stream has no event: %s", stream.body)
	}
	again := j.send(t, exchange{operation: "followJob", id: done.ID, header: http.Header{"Last-Event-Id": {done.Version.String()}}})
	if again.status != http.StatusNoContent {
		t.Errorf("with its last event: %d %s", again.status, again.body)
	}
}
