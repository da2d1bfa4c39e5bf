// Package drift keeps statistics of what each function sees and says, and tells when
// they leave what they were.
//
// It receives every picture's answer once ([Room.See]): brightness and contrast, size
// and shape, detections, their classes and scores, each counted into a histogram of
// fixed bins; no picture is kept. It hands on how far the newest pictures are from a
// reference ([Room.Report], and metrics), and a change each time that a signal begins
// to drift or comes back. The statistics are the gateway's, so they survive instances;
// they are kept in a folder, so they survive the gateway. It refuses to judge by few
// pictures, or by what so many may do by chance.
package drift

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Options say where statistics are kept and who hears of changes; zero means nobody
// and nowhere.
type Options struct {
	// Dir is the folder that statistics are kept in. Empty: they end with the Room.
	Dir string
	// Tell is given each change, again after an error until [maxTelling] is over. It is
	// called by Run alone.
	Tell Teller
	// Report hears of what went wrong aside from requests: a file that cannot be read or
	// written, a change that could not be told.
	Report func(error)
}

// Room keeps the statistics of all functions. Its methods may be called from any
// goroutine; a nil Room counts nothing and knows nothing.
type Room struct {
	opts    Options
	changes chan functions.DriftChange

	mu      sync.RWMutex
	watches map[string]*watch

	listening listeners
}

// New is a room with what is kept in Options.Dir.
func New(opts Options) *Room {
	if opts.Report == nil {
		opts.Report = func(error) {}
	}
	r := &Room{opts: opts, changes: make(chan functions.DriftChange, maxUntold), watches: map[string]*watch{}}
	r.load()
	return r
}

// See counts an answered picture.
func (r *Room) See(revision functions.Revision, params functions.Parameters, answer functions.Answer) {
	if r == nil {
		return
	}
	change, is := r.watch(revision.Function.Metadata.Name).see(time.Now(), revision, params, answer)
	if !is {
		return
	}
	for _, part := range change {
		r.listening.tell(part)
		if r.opts.Tell == nil {
			continue
		}
		select {
		case r.changes <- part:
		default: // whoever is told has been away for long: the state can be asked for
			r.opts.Report(errUntold(part))
		}
	}
}

// watch is the function's, made where there is none.
func (r *Room) watch(function string) *watch {
	r.mu.RLock()
	w := r.watches[function]
	r.mu.RUnlock()
	if w != nil {
		return w
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if w = r.watches[function]; w == nil {
		w = &watch{function: function}
		r.watches[function] = w
	}
	return w
}

// known is the function's watch, nil where nothing has been seen.
func (r *Room) known(function string) *watch {
	if r == nil {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.watches[function]
}

// all are the watches by name.
func (r *Room) all() []*watch {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.watches), func(a, b *watch) int { return cmp.Compare(a.function, b.function) })
}

// Report says how far the function is from its reference. settings are those of its
// newest revision, for a function of which nothing has been seen.
func (r *Room) Report(function string, settings functions.Drift) functions.DriftReport {
	w := r.known(function)
	if w == nil {
		w = &watch{function: function}
	}
	return w.report(settings)
}

// Reference is the function's reference; ok is false while there is none.
func (r *Room) Reference(function string) (_ functions.DriftReference, ok bool) {
	w := r.known(function)
	if w == nil {
		return functions.DriftReference{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.recorded {
		return functions.DriftReference{}, false
	}
	return w.wire(&w.reference), true
}

// older says that revision a of a function is older than b: names end in a number of
// at least five digits that only grows while a platform runs.
func older(a, b string) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) < 0
}
