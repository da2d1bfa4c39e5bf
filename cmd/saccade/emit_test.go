package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/samples"
)

// sink keeps what it is sent.
type sink struct {
	*httptest.Server
	events []events.Event
	status int
}

func newSink(t *testing.T, status int) *sink {
	t.Helper()
	s := &sink{status: status}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := events.FromHeader(r.Header)
		if err != nil {
			t.Errorf("what comes is no event: %v", err)
		}
		e.Data, _ = io.ReadAll(r.Body)
		s.events = append(s.events, e)
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestACameraSendsTheSamplesWhereItsSinkBindingSays(t *testing.T) {
	s := newSink(t, http.StatusAccepted)
	t.Setenv(config.EnvSink, s.URL)
	t.Setenv(config.EnvOverrides, `{"extensions":{"function":"centernet"}}`)
	if err := run(t.Context(), []string{"emit", "--source", "/cameras/gate-7"}, nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	entries, err := samples.Pictures.ReadDir(".")
	if err != nil || len(s.events) != len(entries) {
		t.Fatalf("%d events of %d pictures came (%v)", len(s.events), len(entries), err)
	}
	ids := map[string]bool{}
	for i, e := range s.events {
		want, _ := samples.Pictures.ReadFile(entries[i].Name())
		if e.Type != "dev.saccade.detect.v1" || e.Source != "/cameras/gate-7" || e.Extensions["function"] != "centernet" ||
			e.DataContentType != "image/png" || string(e.Data) != string(want) {
			t.Errorf("event %d is of %s from %s for %v, %s of %d bytes", i, e.Type, e.Source, e.Extensions, e.DataContentType, len(e.Data))
		}
		ids[e.ID] = true
	}
	if len(ids) != len(entries) {
		t.Errorf("the ids are %v", ids)
	}
}

func TestACameraGoesOnUntilItIsInterrupted(t *testing.T) {
	s := newSink(t, http.StatusServiceUnavailable)
	ctx, stop := context.WithCancel(t.Context())
	var told strings.Builder
	three := writerFunc(func(p []byte) (int, error) {
		if told.Write(p); strings.Count(told.String(), "503") == 3 {
			stop()
		}
		return len(p), nil
	})
	if err := run(ctx, []string{"emit", "--sink", s.URL, "--every", "1ms"}, nil, io.Discard, three); err != nil {
		t.Errorf("interrupted, it says %v", err)
	}
	if len(s.events) < 3 {
		t.Errorf("%d pictures were sent", len(s.events))
	}
}

func TestWhatCannotBeSentIsSaid(t *testing.T) {
	camera := httptest.NewServer(http.NotFoundHandler())
	defer camera.Close()
	s := newSink(t, http.StatusBadRequest)
	t.Setenv(config.EnvSink, "")
	for name, c := range map[string]struct{ args, says string }{
		"no sink":                       {"emit", "no address to send to"},
		"a sink that is no URL":         {"emit --sink broker", "no address to send to"},
		"a file that is not there":      {"emit nowhere.jpg --sink " + s.URL, "nowhere.jpg"},
		"a camera that shows nothing":   {"emit " + camera.URL + "/snapshot.jpg --sink " + s.URL, "404"},
		"a sink that refuses the event": {"emit --sink " + s.URL, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), strings.Fields(c.args), nil, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want something of %q", err, c.says)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
