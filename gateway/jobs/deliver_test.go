package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/fetch"
)

func TestAnAnswerGoesToItsSinkAsAnEvent(t *testing.T) {
	s := newSink(t)
	o := quick(t)
	o.Overrides = map[string]string{"cluster": "north"}
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	with := job("1")
	with.Sinks = []string{s.URL + "/in"}
	status := until(t, j, accept(t, j, with).ID, Done)
	if len(status.Deliveries) != 1 || status.Deliveries[0].State != Done || status.Deliveries[0].Attempts != 1 {
		t.Errorf("the deliveries are %+v", status.Deliveries)
	}
	got := s.received()
	if len(got) != 1 || got[0].ID != "answer-1" || got[0].Type != events.TypeDetected || string(got[0].Data) != `{"seen":"a picture, 1"}` {
		t.Fatalf("the sink got %+v", got)
	}
	for name, want := range map[string]any{"price": "0.01", "cluster": "north", "causationid": "1", "traceparent": "00-1-2-01"} {
		if got[0].Extensions[name] != want {
			t.Errorf("%s is %v, want %v", name, got[0].Extensions[name], want)
		}
	}
	if head := s.heads[0].Get("Traceparent"); head != "00-1-2-01" {
		t.Errorf("the trace in the header is %q", head)
	}
}

func TestASinkThatIsDownIsTriedAgainAndNothingIsInferredTwice(t *testing.T) {
	s := newSink(t)
	var refused atomic.Int32
	s.refuseWith(func(w http.ResponseWriter) bool {
		if refused.Add(1) > 4 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	o := quick(t)
	o.Sink = s.URL
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	status := until(t, j, accept(t, j, job("1")).ID, Done)
	if d := status.Deliveries[0]; d.Attempts != 5 || d.Problem != "" {
		t.Errorf("the delivery is %+v", d)
	}
	if n := w.times("1"); n != 1 || len(s.received()) != 1 {
		t.Errorf("it was done %d times, delivered %d times", n, len(s.received()))
	}
}

func TestASinkThatWantsNothingGetsNothingMoreUntilItIsSentAgain(t *testing.T) {
	s := newSink(t)
	s.refuseWith(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadRequest); return true })
	o := quick(t)
	o.Sink = s.URL
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	r := accept(t, j, job("1"))
	status := until(t, j, r.ID, Failed)
	if status.Result == nil || status.Deliveries[0].Problem != "the sink answered 400" || status.Deliveries[0].Attempts != 1 {
		t.Errorf("the status is %+v", status)
	}
	l, _ := j.link()
	letter, err := l.last(t.Context(), dead, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"ce-id": "1", "ce-source": "/camera", "ce-deadletterreason": "the%20sink%20answered%20400", "ce-deadletterstage": StageDelivery,
		"ce-deadletterattempts": "1", "ce-deadletterkind": "invalid-request", "ce-deadlettersink": o.Sink,
	} {
		if got := letter.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("the dead letter's %s is %q, want %q", name, got, want)
		}
	}
	s.refuseWith(nil)
	if err := j.Redrive(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	until(t, j, r.ID, Done)
	if n := w.times("1"); n != 1 || len(s.received()) != 1 {
		t.Errorf("it was done %d times, delivered %d times", n, len(s.received()))
	}
	kindIs(t, j.Redrive(t.Context(), r.ID), functions.Conflict)
	kindIs(t, j.Redrive(t.Context(), job("none").ID()), functions.JobNotFound)
}

func TestADeadLetterIsWorkedOnAnewWhenItIsSentRound(t *testing.T) {
	for name, inline := range map[string]int{"beside its message": 4, "in its message": 0} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t)
			o := quick(t)
			o.Sink, o.MaxInline = s.URL, inline
			j, w := open(t, o), newWorker()
			unreadable := functions.Errorf(functions.Unreadable, "no picture")
			w.fails["1"] = []error{unreadable, unreadable}
			run(t, j, w.work)
			r := accept(t, j, job("1"))
			until(t, j, r.ID, Failed)
			watcher, err := j.Watch(t.Context(), r.ID) // it goes on, past what was the end
			if err != nil {
				t.Fatal(err)
			}
			defer watcher.Close()
			for range 2 {
				before, err := j.Get(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				if err := j.Redrive(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
				for now := before; !now.State.Final() || now.Attempts == before.Attempts; {
					watcher.seen.State = Queued // the end that it saw was not the last
					if now, err = watcher.Next(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			status := until(t, j, r.ID, Done)
			if w.times("1") != 3 || string(status.Result) != `{"seen":"a picture, 1"}` || status.Problem != nil {
				t.Errorf("after %d times it is %+v", w.times("1"), status)
			}
		})
	}
}

func TestASinkThatHangsDoesNotHoldUpAnother(t *testing.T) {
	hanging, good := newSink(t), newSink(t)
	release := make(chan struct{})
	hanging.refuseWith(func(http.ResponseWriter) bool { <-release; return false })
	j, w := open(t, quick(t)), newWorker()
	run(t, j, w.work)
	for n := range 40 {
		slow := job(named("slow %d", n))
		slow.Sinks = []string{hanging.URL}
		accept(t, j, slow)
	}
	fast := job("fast")
	fast.Sinks = []string{good.URL}
	until(t, j, accept(t, j, fast).ID, Done)
	if n := len(hanging.received()); n != 0 {
		t.Errorf("the one that hangs has taken %d", n)
	}
	close(release)
	for n := range 40 {
		until(t, j, job(named("slow %d", n)).ID(), Done)
	}
}

func TestACallbackIsAllowedByTheListAndByTheGuard(t *testing.T) {
	s := newSink(t)
	guard, err := fetch.New(fetch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	o := quick(t)
	o.Callbacks, o.Guard = []string{s.URL}, guard
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	with := job("1")
	with.Callback = s.URL + "/mine"
	// It is on the list, and still a loopback address: the guard refuses it at dial.
	status := until(t, j, accept(t, j, with).ID, Failed)
	if len(s.received()) != 0 || status.Deliveries[0].Problem != "answers are not sent to this address" {
		t.Errorf("the deliveries are %+v", status.Deliveries)
	}

	opened, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	o = quick(t)
	o.Callbacks, o.Guard = []string{s.URL}, opened
	j = open(t, o)
	run(t, j, w.work)
	until(t, j, accept(t, j, with).ID, Done)
	if got := s.received(); len(got) != 1 || got[0].Extensions["causationid"] != "1" {
		t.Errorf("the callback got %+v", got)
	}
}

// publisherFunc is a Publisher.
type publisherFunc func(ctx context.Context, sink *url.URL, answer events.Event) error

func (f publisherFunc) Publish(ctx context.Context, sink *url.URL, answer events.Event) error {
	return f(ctx, sink, answer)
}

func TestASinkOfAnotherSchemeIsThePublishers(t *testing.T) {
	var tries atomic.Int32
	o := quick(t)
	o.Sink = "mqtt://broker/answers"
	o.Publishers = map[string]Publisher{"mqtt": publisherFunc(func(_ context.Context, sink *url.URL, answer events.Event) error {
		if sink.String() != o.Sink || answer.ID != "answer-1" {
			t.Errorf("published %+v to %s", answer, sink)
		}
		if tries.Add(1) == 1 {
			return errors.New("not connected")
		}
		return nil
	})}
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	until(t, j, accept(t, j, job("1")).ID, Done)
	if tries.Load() != 2 {
		t.Errorf("it was published %d times", tries.Load())
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(j)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			shown[family.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"saccade_jobs_accepted_total": 1, "saccade_jobs_ended_total": 1, "saccade_job_deliveries_total": 2,
		"saccade_jobs_store_up": 1, "saccade_jobs_dead_letters": 0,
	} {
		if got, ok := shown[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestARedirectOfASinkIsNotFollowed(t *testing.T) {
	away := newSink(t)
	s := newSink(t)
	s.refuseWith(func(w http.ResponseWriter) bool {
		w.Header().Set("Location", away.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	})
	o := quick(t)
	o.Sink = s.URL
	j, w := open(t, o), newWorker()
	run(t, j, w.work)
	until(t, j, accept(t, j, job("1")).ID, Failed)
	if len(away.received()) != 0 {
		t.Error("the answer went where nobody told it to")
	}
}

func TestCallbacksAreMatchedAsTheyAreUnderstood(t *testing.T) {
	guard, err := fetch.New(fetch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	s, err := newSinks(Options{Guard: guard, Callbacks: []string{
		"https://hooks.example.com/in", "https://*.example.org", "http://plain.example.net:8080/a/",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]bool{
		"https://hooks.example.com/in":           true,
		"https://HOOKS.example.com:443/in/a?b=c": true,
		"https://a.b.example.org/x":              true,
		"https://a.example.org":                  true,
		"http://plain.example.net:8080/a":        true,
		"https://hooks.example.com/inner":        false,
		"https://hooks.example.com/in/../admin":  false,
		"https://hooks.example.com/in/%2e%2e/x":  false,
		"https://hooks.example.com/in/%2E%2E%2F": false,
		"https://hooks.example.com/":             false,
		"http://hooks.example.com/in":            false,
		"https://hooks.example.com:8443/in":      false,
		"https://example.org/":                   false,
		"https://evil-example.org/":              false,
		"https://a.example.org@evil.test/":       false,
		"https://a.example.org.evil.test/":       false,
		"https://evil.test/#.example.org":        false,
		"http://plain.example.net/a":             false,
		"//hooks.example.com/in":                 false,
		"https:hooks.example.com/in":             false,
		"javascript:alert(1)":                    false,
		"":                                       false,
	} {
		if err := s.allowed(raw); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, text := range []string{"hooks.example.com", "ftp://x/", "https://a.*.com", "https://*", "https://u:p@h/", "https://h/?q", "%"} {
		if _, err := parseCallbacks([]string{text}); err == nil {
			t.Errorf("%s is taken as a line of the list", text)
		}
	}
	if _, err := newSinks(Options{Callbacks: []string{"https://a.example/"}}); err == nil {
		t.Error("callbacks are allowed without a guard")
	}
}

func FuzzCallback(f *testing.F) {
	f.Add("https://hooks.example.com/in/../x")
	f.Add("https://a.example.org@evil.test/")
	c, err := parseCallback("https://*.example.org/in")
	if err != nil {
		f.Fatal(err)
	}
	guard, err := fetch.New(fetch.Options{})
	if err != nil {
		f.Fatal(err)
	}
	s := sinks{callbacks: []callback{c}, caller: post{guard.Client()}}
	f.Fuzz(func(t *testing.T, raw string) {
		if s.allowed(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.User != nil || len(u.Hostname()) <= len(".example.org") {
			t.Errorf("%q is allowed", raw)
		}
	})
}

func TestRetryAfterIsReadInEitherForm(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "999999999": maxRetryAfter, "soon": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Thu, 01 Jan 2026 00:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestPausesGrowAndHeedWhatIsAsked(t *testing.T) {
	all := func(d time.Duration) time.Duration { return d }
	none := func(time.Duration) time.Duration { return 0 }
	for _, tt := range []struct {
		name     string
		failures int
		asked    time.Duration
		random   func(time.Duration) time.Duration
		want     time.Duration
	}{
		{"after one failure at most the first pause", 1, 0, all, time.Second},
		{"after each more twice as long", 4, 0, all, 8 * time.Second},
		{"up to the longest", 1000, 0, all, time.Minute},
		{"never none at all", 3, 0, none, least},
		{"what is asked is heeded", 1, 30 * time.Second, none, 30 * time.Second},
		{"and scattered", 1, 30 * time.Second, all, 31 * time.Second},
		{"within reason", 1, 24 * time.Hour, none, maxRetryAfter},
	} {
		if got := backoff(tt.failures, time.Second, time.Minute, tt.asked, tt.random); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEveryKindHasBeenThoughtAbout(t *testing.T) {
	want := map[functions.Kind]class{
		functions.Busy: waiting, functions.TooShort: waiting, functions.OverLimit: waiting, functions.Unavailable: waiting,
		functions.ColdStartTimeout: waiting,
		functions.Timeout:          faulty, functions.SourceFailed: faulty, functions.SourceTimeout: faulty, functions.Internal: faulty,
	}
	for _, kind := range functions.Kinds {
		if got := classOf(functions.Errorf(kind, "so")); got != want[kind] {
			t.Errorf("%s: %v, want %v", kind, got, want[kind])
		}
	}
}

func TestOverridesAreExtensionAttributes(t *testing.T) {
	got, err := ParseOverrides(`{"extensions":{"cluster":"north"}}`)
	if err != nil || got["cluster"] != "north" {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{`{`, `{"extensions":{"Not A Name":"x"}}`, `{"extensions":{"":"x"}}`} {
		if _, err := ParseOverrides(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if got, err := ParseOverrides(""); got != nil || err != nil {
		t.Errorf("nothing is %v, %v", got, err)
	}
}

func FuzzMeta(f *testing.F) {
	whole, err := marshal(job("1").meta(""))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"event":null}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var m jobMeta
		_ = json.Unmarshal(text, &m) // whatever lies in a shared cluster's stream must not end us
		_ = m.job().ID()
	})
}
