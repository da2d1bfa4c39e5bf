package drift

import (
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// panes are the parts of the window: it moves on by one at a time, and then is
// compared, so that a request costs no more than its counting.
const panes = 10

// watch is the statistics of one function.
type watch struct {
	function string

	mu sync.Mutex
	// revision is the newest that was seen; identity is what it counts as: pictures
	// before and after a change of it are not compared.
	revision string
	identity string
	settings functions.Drift
	minScore float64
	modelSum string

	// names are the classes that have a place of their own, places the same by name.
	names  []string
	places map[string]int

	// reference is recorded first, unless there is one already.
	recorded  bool
	reference profile
	// ring are the panes of the window, at the one that is filled, full how many of the
	// others are.
	ring [panes]profile
	at   int
	full int
	// filled is how many pictures the pane at has.
	filled int

	states [histograms + 1]state
	dirty  bool
}

// see counts an answer. What has changed with it is told.
func (w *watch) see(now time.Time, revision functions.Revision, params functions.Parameters, answer functions.Answer,
) (_ []functions.DriftChange, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.follow(revision, answer.ModelSum) {
		return nil, false
	}
	w.dirty = true
	if !w.recorded {
		w.count(&w.reference, params, answer)
		w.filled++
		if w.filled >= w.settings.Reference {
			w.recorded, w.filled = true, 0
		}
		return nil, false
	}
	w.count(&w.ring[w.at], params, answer)
	w.filled++
	if w.filled < w.pane() {
		return nil, false
	}
	// A pane is full: the window is compared where it is whole, and moves on.
	w.full = min(w.full+1, panes)
	var changes []functions.DriftChange
	if w.full == panes {
		changes = w.judge(now)
	}
	w.at, w.filled = (w.at+1)%panes, 0
	w.full = min(w.full, panes-1)
	w.ring[w.at] = profile{}
	return changes, len(changes) > 0
}

// pane is how many pictures a pane takes.
func (w *watch) pane() int { return (w.settings.Window + panes - 1) / panes }

// follow makes revision the one that is counted. An older one is not: while two answer,
// the newest alone counts.
func (w *watch) follow(revision functions.Revision, modelSum string) bool {
	switch {
	case revision.Name == w.revision:
		return true
	case w.revision != "" && older(revision.Name, w.revision):
		return false
	}
	spec := revision.Function.Spec
	w.revision, w.settings = revision.Name, spec.Drift
	w.minScore = functions.DefaultMinScore
	if spec.Thresholds.MinScore != nil {
		w.minScore = *spec.Thresholds.MinScore
	}
	identity := identityOf(modelSum, w.minScore, spec.Drift)
	if identity == w.identity {
		return true
	}
	w.begin(identity, modelSum)
	if spec.Drift.Recorded != nil {
		w.reference, w.recorded = w.read(*spec.Drift.Recorded), true
	}
	return true
}

// begin forgets what was before.
func (w *watch) begin(identity, modelSum string) {
	w.identity, w.modelSum = identity, modelSum
	w.names, w.places = []string{othersName}, map[string]int{othersName: others}
	w.recorded, w.reference = false, profile{}
	w.ring, w.at, w.full, w.filled = [panes]profile{}, 0, 0, 0
	w.states = [histograms + 1]state{}
	w.dirty = true
}

// count adds an answer to a profile.
//
// What a function says depends on the lowest score that it was asked for: with a lower
// one than its own, only what it would have said is counted; with a higher one nothing,
// for what it would have said is not known.
func (w *watch) count(p *profile, params functions.Parameters, answer functions.Answer) {
	if light := answer.Light; light != nil {
		p.count(brightness, float64(light.Brightness))
		p.count(contrast, float64(light.Contrast))
	}
	x, y := float64(answer.Picture.Width), float64(answer.Picture.Height)
	p.count(width, x)
	p.count(height, y)
	p.count(aspect, x/max(y, 1))
	if params.MinScore != nil && *params.MinScore > w.minScore {
		return
	}
	said := 0
	for _, d := range answer.Detections {
		if float64(d.Score) < w.minScore {
			continue
		}
		said++
		p.count(score, float64(d.Score))
		p.classes[w.place(d.Class)]++
	}
	p.count(detections, float64(said))
}

// othersName is how reports call the classes that have no place.
const othersName = "(others)"

// place is a class's, that of all others where there are too many. What is new after
// the reference has no count in it, and so is among the others anyway.
func (w *watch) place(class string) int {
	if at, ok := w.places[class]; ok {
		return at
	}
	if len(w.names) > functions.DriftClasses || len(class) > maxClassBytes {
		return others
	}
	w.places[class] = len(w.names)
	w.names = append(w.names, class)
	return len(w.names) - 1
}

// maxClassBytes is the longest name of a class that gets a place.
const maxClassBytes = 800

// recent is all that is in the window.
func (w *watch) recent() profile {
	var all profile
	for i := range w.ring {
		all.add(&w.ring[i])
	}
	return all
}
