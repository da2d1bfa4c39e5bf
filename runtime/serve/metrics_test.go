package serve

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestTheMetricsTellHowTheInstanceIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := New(Options{Asked: 7 * time.Millisecond, Version: "v9"})
		early := get(s, "/metrics").Body.String()
		for _, want := range []string{"saccade_runtime_ready 0\n", `saccade_runtime_queue_requests{state="waiting"} 0`} {
			if !strings.Contains(early, want) {
				t.Errorf("before anything is loaded, /metrics lacks %s", want)
			}
		}
		for _, unknown := range []string{"saccade_runtime_info{", "saccade_runtime_start_seconds{", "saccade_runtime_parallel_runs "} {
			if strings.Contains(early, unknown) {
				t.Errorf("before anything is loaded, /metrics knows %s", unknown)
			}
		}
		f := &fake{takes: 2 * time.Second}
		started := starting(t, s, func(context.Context) (Function, error) {
			return Function{Name: "eye", Detector: f, ModelSum: "abc", Parallel: 1, Providers: []string{"cuda", "cpu"}}, nil
		})
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		ask(t.Context(), s, "", picture(t))
		ask(t.Context(), s, "", []byte("no picture at all"))
		left, leave := context.WithCancel(t.Context())
		gone := asking(left, s, picture(t))
		synctest.Wait()
		leave()
		<-gone
		waiting := []<-chan result{asking(t.Context(), s, picture(t)), asking(t.Context(), s, picture(t))}
		synctest.Wait()

		text := get(s, "/metrics").Body.String()
		for _, want := range []string{
			`saccade_runtime_info{function="eye",goversion="go`,
			`model_sha256="abc",provider="cuda,cpu",version="v9"} 1`,
			"saccade_runtime_ready 1\n",
			"saccade_runtime_parallel_runs 1\n",
			`saccade_runtime_start_seconds{phase="start"} 0.007`,
			`saccade_runtime_start_seconds{phase="warmup"} 2`,
			`saccade_runtime_requests_total{outcome="ok"} 1`,
			`saccade_runtime_requests_total{outcome="unsupported-format"} 1`,
			`saccade_runtime_requests_total{outcome="caller-left"} 1`,
			`saccade_runtime_phase_seconds_sum{phase="infer"} 2`,
			`saccade_runtime_queue_requests{state="running"} 1`,
			`saccade_runtime_queue_requests{state="waiting"} 1`,
			"process_resident_memory_bytes ", "go_goroutines ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("/metrics lacks %s", want)
			}
		}
		if strings.Contains(text, `phase="pull"`) {
			t.Error("/metrics claims to know the pull, which was over before the process began")
		}
		if !regexp.MustCompile(`(?m)^saccade_runtime_session_memory_bytes [0-9.e+]+$`).MatchString(text) {
			t.Error("/metrics lacks the session's memory")
		}
		for _, w := range waiting {
			<-w
		}
	})
}

func TestAFailureIsCountedByItsKind(t *testing.T) {
	fails := func(n int) error {
		if n > 1 {
			return errors.New("out of memory")
		}
		return nil
	}
	s := ready(t, &fake{fails: fails}, Options{}, 1)
	ask(t.Context(), s, "", picture(t))
	if want := `saccade_runtime_requests_total{outcome="` + string(functions.Internal) + `"} 1`; !strings.Contains(get(s, "/metrics").Body.String(), want) {
		t.Errorf("/metrics lacks %s", want)
	}
}
