package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Measured is what was measured of a function on a live platform, so that a simulation
// of it comes out the same. In JSON times are in seconds.
type Measured struct {
	// Function is whose times they are, At when they were measured and Machine on what;
	// Instance is what one instance held.
	Function string
	At       time.Time
	Machine  string
	Instance functions.Held
	// Load is starts with image and model at hand, from the decision until the instance was
	// ready; Pull what fetching them took beyond that, empty where that was not measured.
	Load, Pull []time.Duration
	// Service is how long requests took in a ready instance, Pace how they slowed each other
	// where several ran at a time, spread over instances, and Together how much more where
	// they were in the same one; empty where that was not measured.
	Service        []time.Duration
	Pace, Together Pace
	// Rested is the same of requests after a pause, and Computes the share of a start in
	// which it used a core; empty and 0 where that was not measured. Work is the CPU time of
	// a request, by which measurements can be brought to a machine's speed; 0 likewise.
	Rested   []time.Duration
	Computes float64
	Work     time.Duration
	// Warmup is what starts took longer for which no request waited; empty where that was
	// not measured.
	Warmup []time.Duration
	// Phases are the starts' parts by their names in the ledger, for reports alone.
	Phases map[string][]time.Duration
	// FailedStarts is the share of starts that failed.
	FailedStarts float64
}

// mostSamples bounds each list of a Measured that is read, and maxMeasured its bytes.
const (
	mostSamples = 100_000
	maxMeasured = 32 << 20
)

// measuredJSON is a Measured on the wire.
type measuredJSON struct {
	Function     string                         `json:"function"`
	At           time.Time                      `json:"at,omitzero"`
	Machine      string                         `json:"machine,omitempty"`
	Instance     functions.Held                 `json:"instance,omitzero"`
	Load         []functions.Seconds            `json:"load"`
	Pull         []functions.Seconds            `json:"pull,omitempty"`
	Service      []functions.Seconds            `json:"service"`
	Pace         Pace                           `json:"pace,omitempty"`
	Together     Pace                           `json:"together,omitempty"`
	Rested       []functions.Seconds            `json:"rested,omitempty"`
	Computes     float64                        `json:"computes,omitzero"`
	Work         functions.Seconds              `json:"work,omitzero"`
	Warmup       []functions.Seconds            `json:"warmup,omitempty"`
	Phases       map[string][]functions.Seconds `json:"phases,omitempty"`
	FailedStarts float64                        `json:"failed_starts,omitzero"`
}

// MarshalJSON writes the times in seconds.
func (m Measured) MarshalJSON() ([]byte, error) {
	out := measuredJSON{
		Function: m.Function, At: m.At, Machine: m.Machine, Instance: m.Instance, FailedStarts: m.FailedStarts, Pace: m.Pace, Together: m.Together,
		Rested: converted[functions.Seconds](m.Rested), Computes: m.Computes, Work: functions.Seconds(m.Work), Warmup: converted[functions.Seconds](m.Warmup),
		Load: converted[functions.Seconds](m.Load), Pull: converted[functions.Seconds](m.Pull), Service: converted[functions.Seconds](m.Service),
	}
	for name, times := range m.Phases {
		if out.Phases == nil {
			out.Phases = map[string][]functions.Seconds{}
		}
		out.Phases[name] = converted[functions.Seconds](times)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Measured) UnmarshalJSON(text []byte) error {
	var in measuredJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*m = Measured{
		Function: in.Function, At: in.At, Machine: in.Machine, Instance: in.Instance, FailedStarts: in.FailedStarts, Pace: in.Pace, Together: in.Together,
		Rested: converted[time.Duration](in.Rested), Computes: in.Computes, Work: time.Duration(in.Work), Warmup: converted[time.Duration](in.Warmup),
		Load: converted[time.Duration](in.Load), Pull: converted[time.Duration](in.Pull), Service: converted[time.Duration](in.Service),
	}
	for name, times := range in.Phases {
		if m.Phases == nil {
			m.Phases = map[string][]time.Duration{}
		}
		m.Phases[name] = converted[time.Duration](times)
	}
	return nil
}

func converted[To, From ~int64](from []From) []To {
	var to []To
	for _, d := range from {
		to = append(to, To(d))
	}
	return to
}

// ReadMeasured reads a Measured as JSON, and refuses one that no simulation can be made
// of.
func ReadMeasured(r io.Reader) (Measured, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMeasured+1))
	if err != nil {
		return Measured{}, fmt.Errorf("reading what was measured: %w", err)
	}
	if len(text) > maxMeasured {
		return Measured{}, functions.Errorf(functions.Invalid, "what was measured has more than %d bytes", maxMeasured)
	}
	var m Measured
	if err := json.Unmarshal(text, &m); err != nil {
		return Measured{}, functions.Errorf(functions.Invalid, "what was measured is no JSON of this form").Because(err)
	}
	return m, m.Check()
}

// Check refuses what no simulation can be made of.
func (m Measured) Check() error {
	lists := map[string][]time.Duration{"work": {m.Work}, "load": m.Load, "pull": m.Pull, "service": m.Service, "rested": m.Rested, "warmup": m.Warmup}
	for name, times := range m.Phases {
		lists[name] = times
	}
	for name, times := range lists {
		if len(times) > mostSamples {
			return functions.Errorf(functions.Invalid, "%d times of %s were measured; %d are enough", len(times), name, mostSamples)
		}
		for _, d := range times {
			if d < 0 || d > longestTail {
				return functions.Errorf(functions.Invalid, "a time of %s is %v", name, d)
			}
		}
	}
	switch {
	case len(m.Load) == 0 || len(m.Service) == 0:
		return functions.Errorf(functions.Invalid, "no start or no request was measured")
	case !m.Pace.valid() || !m.Together.valid() || len(m.Pace) > mostSamples || len(m.Together) > mostSamples:
		return functions.Errorf(functions.Invalid, "requests at a time are said to go at a pace of %v, and of %v in the same instance", m.Pace, m.Together)
	case !(m.Computes >= 0 && m.Computes <= 1):
		return functions.Errorf(functions.Invalid, "starts are said to compute for %v of their time", m.Computes)
	case !(m.FailedStarts >= 0 && m.FailedStarts <= 0.9):
		return functions.Errorf(functions.Invalid, "%v of starts are said to have failed", m.FailedStarts)
	}
	return nil
}

// On is c with the measured times and failures, and what an instance holds.
func (m Measured) On(c Config) Config {
	c.Service, c.Load, c.Pull = Samples(m.Service), Samples(m.Load), Samples(m.Pull)
	c.Pace, c.Together, c.Computes = m.Pace, m.Together, m.Computes
	if len(m.Rested) > 0 {
		c.Rested = Samples(m.Rested)
	}
	if len(m.Warmup) > 0 {
		c.Warmup = Samples(m.Warmup)
	}
	c.Failures.Starts = m.FailedStarts
	c.Held = m.Instance
	if c.Function == "" {
		c.Function = m.Function
	}
	return c
}
