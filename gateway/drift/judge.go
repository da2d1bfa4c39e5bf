package drift

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// A signal does not flap: it has to be over its threshold in so many comparisons one
// after the other, and then under this share of it in as many.
const (
	comparisons = 2
	back        = 0.75
)

// enough is the least number of pictures on either side.
const enough = 50

// state is where a signal stands.
type state struct {
	Drifted bool      `json:"drifted,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	// Over and Under count comparisons since the last that was not.
	Over  int `json:"over,omitempty"`
	Under int `json:"under,omitempty"`
	// Known, Statistic and Threshold are of the last comparison.
	Known     bool    `json:"known,omitempty"`
	Statistic float64 `json:"statistic,omitempty"`
	Threshold float64 `json:"threshold,omitempty"`
}

// move takes a comparison into account and says whether the signal changed.
func (s *state) move(now time.Time, statistic, threshold float64) bool {
	s.Known, s.Statistic, s.Threshold = true, statistic, threshold
	if statistic >= threshold {
		s.Over++
	} else {
		s.Over = 0
	}
	if statistic < back*threshold {
		s.Under++
	} else {
		s.Under = 0
	}
	if !s.Drifted && s.Over >= comparisons || s.Drifted && s.Under >= comparisons {
		s.Drifted, s.Since = !s.Drifted, now
		return true
	}
	return false
}

// judge compares the window with the reference. What begins to drift is one change,
// what comes back another.
func (w *watch) judge(now time.Time) []functions.DriftChange {
	recent := w.recent()
	var changed []int
	for s := range w.states {
		n, m := w.reference.values(s), recent.values(s)
		if n < enough || m < enough {
			w.states[s].Known = false // and stays what it was
			continue
		}
		statistic, least := w.compare(s, &recent, n, m)
		if w.states[s].move(now, statistic, least) {
			changed = append(changed, s)
		}
	}
	var changes []functions.DriftChange
	for _, drifted := range []bool{true, false} {
		var parts []functions.DriftSignal
		for _, s := range changed {
			if w.states[s].Drifted == drifted {
				parts = append(parts, w.signal(s, &recent))
			}
		}
		if parts != nil {
			changes = append(changes, functions.DriftChange{
				Function: w.function, Revision: w.revision, At: now, Drifted: drifted, Signals: parts,
			})
		}
	}
	return changes
}

// values is how many values a signal has that may be taken for independent.
func (p *profile) values(s int) float64 {
	if s == histograms {
		return p.found()
	}
	return p.independent(s)
}

// compare is a signal's statistic, and the threshold for n and m values.
func (w *watch) compare(s int, recent *profile, n, m float64) (statistic, threshold float64) {
	if s < histograms && signals[s].test == functions.TestKS {
		return ks(w.reference.bins[s][:], recent.bins[s][:]), min(1, max(w.settings.KS, ksByChance(n, m)))
	}
	var index float64
	var bins int
	if s == histograms {
		a, b, _ := mix(&w.reference, recent)
		index, bins = psi(a, b)
	} else {
		index, bins = psi(w.reference.bins[s][:], recent.bins[s][:])
	}
	return index, max(w.settings.PSI, psiByChance(n, m, bins))
}

// signal is where a signal stands, in a report's words.
func (w *watch) signal(s int, recent *profile) functions.DriftSignal {
	at := w.states[s]
	said := functions.DriftSignal{
		Signal: functions.SignalClass, Test: functions.TestPSI, Known: at.Known,
		Statistic: at.Statistic, Threshold: at.Threshold, Drifted: at.Drifted, Since: at.Since,
	}
	if s < histograms {
		said.Signal, said.Test = signals[s].name, signals[s].test
		said.Reference, said.Recent = w.reference.mean(s), recent.mean(s)
		return said
	}
	a, b, place := mix(&w.reference, recent)
	bin, before, after := moved(a, b)
	if before+after > 0 {
		said.Class, said.Reference, said.Recent = w.names[place[bin]], before, after
	}
	return said
}

// report is the state of all signals.
func (w *watch) report(settings functions.Drift) functions.DriftReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.identity != "" {
		settings = w.settings
	}
	recent := w.recent()
	r := functions.DriftReport{
		Function: w.function, Revision: w.revision, State: functions.DriftRecording,
		Reference: w.reference.pictures(), ReferenceSize: settings.Reference,
		Recent: recent.pictures(), Window: settings.Window,
	}
	if w.recorded {
		r.State, r.ReferenceSize = functions.DriftWatching, r.Reference
	}
	for s := range w.states {
		said := w.signal(s, &recent)
		if said.Drifted {
			r.State = functions.DriftDrifted
		}
		r.Signals = append(r.Signals, said)
	}
	return r
}
