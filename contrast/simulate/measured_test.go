package simulate_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func measured() simulate.Measured {
	return simulate.Measured{
		Function: "yolo11n", At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Machine: "2 cores",
		Instance: functions.Held{CPU: 2, Memory: 1 << 30},
		Load:     []time.Duration{300 * time.Millisecond, 340*time.Millisecond + 1}, Pull: []time.Duration{2 * time.Second},
		Service: []time.Duration{41 * time.Millisecond, 43 * time.Millisecond},
		Phases:  map[string][]time.Duration{"warmup": {50 * time.Millisecond}}, FailedStarts: 0.25,
	}
}

func TestWhatWasMeasuredIsReadAsItWasWritten(t *testing.T) {
	text, err := json.Marshal(measured())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"load":[0.3,0.340000001]`) {
		t.Errorf("%s", text)
	}
	got, err := simulate.ReadMeasured(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(measured(), got); diff != "" {
		t.Error(diff)
	}
}

func TestReadMeasuredRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                          ``,
		"no start":                         `{"service":[1]}`,
		"no request":                       `{"load":[1]}`,
		"a start before it began":          `{"load":[-1],"service":[1]}`,
		"a request of a year":              `{"load":[1],"service":[31536000]}`,
		"a phase below nothing":            `{"load":[1],"service":[1],"phases":{"warmup":[-1]}}`,
		"more failures than tries":         `{"load":[1],"service":[1],"failed_starts":2}`,
		"more times than anybody measures": `{"load":[1],"service":[` + strings.Repeat("1,", 100_000) + `1]}`,
		"more bytes than that":             strings.Repeat(" ", 33<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := simulate.ReadMeasured(strings.NewReader(text)); functions.KindOf(err) != functions.Invalid {
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}

func FuzzReadMeasured(f *testing.F) {
	f.Add(`{"function":"a","load":[1,2.5],"service":[0.04],"phases":{"warmup":[0.1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := simulate.ReadMeasured(strings.NewReader(text))
		if err != nil {
			return
		}
		c := m.On(simulate.Config{})
		if c.Load.IsZero() || c.Service.IsZero() || c.Load.Least() < 0 {
			t.Errorf("%+v", m)
		}
	})
}

// The whole way: what was measured, what arrived, what came out.
func TestASimulationIsMadeOfWhatWasMeasured(t *testing.T) {
	c := measured().On(simulate.Config{Arrivals: []time.Duration{0, time.Second, 5 * time.Minute}, For: 10 * time.Minute})
	r := run(t, c.Under(styles[1].Scaling))
	if r.Function != "yolo11n" || r.Cold != 2 || r.Latency.P50 < functions.Seconds(341*time.Millisecond) || r.Latency.P50 > functions.Seconds(2*time.Second) {
		t.Fatalf("%+v", r)
	}
}
