package serve

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestAnotherDoorsRequestsAreCountedAndGiveBackWhatTheyTake(t *testing.T) {
	s := New(Options{Requests: 1})
	if err := s.Start(t.Context(), loads(0, &fake{}, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, leave, err := s.Enter(t.Context(), nil, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Enter(ctx, nil, 7); functions.KindOf(err) != functions.Busy {
		t.Errorf("one more than there is room for: %v", err)
	}
	if reply, err := s.Detect(ctx, nil, picture(t), functions.Parameters{}); err != nil || len(reply.Detections) != 1 {
		t.Errorf("detect: %+v, %v", reply, err)
	}
	if err := s.Run(ctx, nil, func(context.Context) error { return nil }); err != nil {
		t.Errorf("run: %v", err)
	}
	invalid := functions.Errorf(functions.Invalid, "no")
	if err := s.Run(ctx, nil, func(context.Context) error { return invalid }); !errors.Is(err, invalid) {
		t.Errorf("a run that fails: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Run(ctx, nil, func(context.Context) error { panic("ours") })
	}()
	if err := s.Run(ctx, nil, func(context.Context) error { return nil }); err != nil {
		t.Errorf("a run after one that panicked: %v", err)
	}
	leave()
	if _, leave, err := s.Enter(t.Context(), nil, 7); err != nil {
		t.Errorf("there is no room again: %v", err)
	} else {
		leave()
	}
	page := get(s, "/metrics").Body.String()
	for _, line := range []string{
		`saccade_runtime_requests_total{outcome="ok"} 3`, `saccade_runtime_requests_total{outcome="invalid-request"} 1`,
		`saccade_runtime_requests_total{outcome="internal-error"} 1`, `saccade_runtime_phase_seconds_count{phase="infer"} 3`,
		`saccade_runtime_phase_seconds_count{phase="decode"} 1`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("the metrics do not say %s", line)
		}
	}
}

func TestAMountedDoorIsBesideThePages(t *testing.T) {
	s := New(Options{})
	s.Mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }), "/other/", "/else")
	for path, want := range map[string]int{"/other/x": 418, "/else": 418, "/healthz": 200, "/readyz": 503, "/elsewhere": 404} {
		if got := get(s, path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
