package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/mirror"
	"github.com/seed45885407/saccade/gateway/recall"
)

func aRevision(name string) functions.Revision {
	return functions.Revision{Name: name, Function: functions.Function{Metadata: functions.Metadata{Name: "eye"}}.WithDefaults()}
}

// gather are the series there are.
func gather(t *testing.T, c prometheus.Collector) (all []*dto.Metric) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		all = append(all, family.GetMetric()...)
	}
	return all
}

// outcomes are the requests by outcome.
func outcomes(t *testing.T, i *invocations) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, m := range gather(t, i.requests) {
		for _, l := range m.GetLabel() {
			if l.GetName() == "outcome" {
				all[l.GetValue()] += m.GetCounter().GetValue()
			}
		}
	}
	return all
}

func TestARevisionIsChargedWithWhatIsItsDoing(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		outcome string // "" where nothing is counted
	}{
		{"it does not come up", functions.Errorf(functions.Unavailable, "x"), "failed"},
		{"nobody is ready in time", functions.Errorf(functions.ColdStartTimeout, "x"), "failed"},
		{"it takes too long", functions.Errorf(functions.Timeout, "x"), "failed"},
		{"a fault", errors.New("x"), "failed"},
		{"it has too much", functions.Errorf(functions.Busy, "x"), "refused"},
		{"it would be too late", functions.Errorf(functions.TooShort, "x"), "refused"},
		{"the caller left", fmt.Errorf("invoking: %w", context.Canceled), ""},
		{"the picture is none", functions.Errorf(functions.Unreadable, "x"), ""},
		{"the caller has it", errNotModified, ""},
		{"no error", nil, ""},
	} {
		i := newInvocations()
		i.failed(aRevision("eye-00001"), tt.err)
		for _, outcome := range []string{"ok", "failed", "refused"} {
			want := 0.
			if outcome == tt.outcome {
				want = 1
			}
			if got := outcomes(t, i)[outcome]; got != want {
				t.Errorf("%s: %v %s", tt.name, got, outcome)
			}
		}
	}
}

func TestTheSeriesOfARevisionEndAfterItsLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInvocations()
		series := func() int { return len(gather(t, i)) }
		i.answered(aRevision("eye-00001"), recall.Hit, false, time.Second)
		if n := series(); n != 0 {
			t.Errorf("%d series of a revision that was not asked", n)
		}
		i.answered(aRevision("eye-00001"), recall.Ran, false, time.Second)
		one := series()
		i.answered(aRevision("eye-00002"), recall.Shared, true, time.Second)
		if n := series(); n != 2*one {
			t.Errorf("%d series of two revisions, %d of one", n, one)
		}
		time.Sleep(keepRevision / 2)
		i.answered(aRevision("eye-00002"), recall.Ran, false, time.Second)
		time.Sleep(keepRevision / 2)
		if n := series(); n != one {
			t.Errorf("%d series are left of one revision", n)
		}
		time.Sleep(keepRevision)
		if n := series(); n != 0 {
			t.Errorf("%d series are left", n)
		}
	})
}

func TestRevisionsAreToldApartAndMirrored(t *testing.T) {
	w := newWorld(t)
	other := aRevision("eye-00002")
	w.gateway.Mirror = mirror.New(w.room, w.gateway.Invoke, mirror.Options{
		Of: func(string) (functions.Revision, float64) { return other, 100 },
	})
	w.gateway.registry.MustRegister(w.gateway.Mirror)
	w.room.Publish(other.Name, []coldstart.Instance{{
		Name: "b", Network: "tcp", Address: w.function.Listener.Addr().String(), Ready: true, Capacity: 4, Life: coldstart.NewLife(),
	}})
	picture := aPicture(t)
	status, _, body := w.post(detectPath, "image/png", bytes.NewReader(picture))
	w.reply(status, body)
	for !strings.Contains(w.scrape(), `saccade_mirrored_total{function="eye",outcome="ok",revision="eye-00002"} 1`) {
		if w.Context().Err() != nil {
			t.Fatal("nothing was mirrored")
		}
		runtime.Gosched()
	}
	w.gateway.Mirror.Close()
	text := w.scrape()
	for _, want := range []string{
		`saccade_invocations_total{function="eye",outcome="ok",revision="eye-00001"} 1`,
		`saccade_invocation_duration_seconds_count{function="eye",revision="eye-00001",start="warm"} 1`,
		`saccade_mirror_detections_total{found="both",function="eye",revision="eye-00002"} 1`,
		`saccade_mirror_duration_seconds_count{function="eye",revision="eye-00002"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(text, `saccade_invocations_total{function="eye",outcome="ok",revision="eye-00002"}`) {
		t.Error("what is mirrored counts as asked for")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) != 2 || !bytes.Equal(w.asked[0], picture) || !bytes.Equal(w.asked[1], picture) {
		t.Errorf("%d pictures came", len(w.asked))
	}
}
