package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/jobs"
)

func TestDriftIsToldToTheSinkOfJobs(t *testing.T) {
	type told struct {
		kind, subject string
		change        functions.DriftChange
	}
	heard := make(chan told, 4)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got := told{kind: r.Header.Get("Ce-Type"), subject: r.Header.Get("Ce-Subject")}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got.change); err != nil {
			t.Error(err)
		}
		heard <- got
	}))
	defer sink.Close()

	cfg := config.Default()
	cfg.Cache, cfg.Jobs.Dir, cfg.Jobs.Sink = t.TempDir(), t.TempDir(), sink.URL
	log := slog.New(slog.DiscardHandler)
	l, err := newLater(t.Context(), cfg, jobs.Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	room := newDrift(cfg, l.jobs, log)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- room.Run(ctx) }()

	revision := functions.Revision{Name: "eye-00001", Function: functions.Function{Metadata: functions.Metadata{Name: "eye"}}.WithDefaults()}
	answer := functions.Answer{Picture: functions.Picture{Width: 640, Height: 480}, Detections: []functions.Detection{{Class: "cat", Score: 0.5}}}
	for n := range functions.DefaultDriftReference + 2*functions.DefaultDriftWindow {
		if n == functions.DefaultDriftReference {
			answer.Detections[0].Class = "dog"
		}
		room.See(revision, functions.Parameters{}, answer)
	}
	got := <-heard
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if got.kind != "dev.saccade.drifted.v1" || got.subject != "eye" || len(got.change.Signals) != 1 {
		t.Fatalf("the sink heard %+v", got)
	}
	if s := got.change.Signals[0]; s.Signal != functions.SignalClass || s.Reference+s.Recent != 1 {
		t.Errorf("the signal is %+v", s)
	}
	if report := newDrift(cfg, nil, log).Report("eye", functions.Drift{}); report.State != functions.DriftDrifted {
		t.Errorf("the next gateway says %s", report.State)
	}
}
