package watch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/seed45885407/saccade/functions"
)

// listed is a function with what is needed to tell its state.
type listed struct {
	name      string
	routed    []*revision // first the one with most requests
	held      bool
	faults    []string
	newest    *revision
	declined  string // why the newest revision cannot be served
	newestKey string
}

// Functions is the state of every function, by name.
func (p *Platform) Functions() []functions.FunctionStatus {
	var all []listed
	p.mu.Lock()
	for f, name := range p.callings() {
		l := listed{name: name, held: f.drain.held(time.Now()), faults: f.faults, newest: p.revisionOf(f, f.newest), newestKey: f.newest}
		l.declined = p.broken[types.NamespacedName{Namespace: f.key.Namespace, Name: f.newest}]
		targets := slices.SortedStableFunc(slices.Values(f.targets), func(a, b target) int { return cmp.Compare(b.percent, a.percent) })
		for _, t := range targets {
			if r := p.revisionOf(f, t.revision); r != nil {
				l.routed = append(l.routed, r)
			}
		}
		all = append(all, l)
	}
	p.mu.Unlock()
	statuses := make([]functions.FunctionStatus, 0, len(all))
	for _, l := range all {
		statuses = append(statuses, l.status())
	}
	slices.SortFunc(statuses, func(a, b functions.FunctionStatus) int { return strings.Compare(a.Name, b.Name) })
	return statuses
}

// callings are the functions with the shortest name of each. Call with mu held.
func (p *Platform) callings() map[*function]string {
	callings := map[*function]string{}
	for _, name := range slices.Sorted(maps.Keys(p.shown)) {
		f := p.shown[name]
		if known, ok := callings[f]; !ok || len(name) < len(known) {
			callings[f] = name
		}
	}
	return callings
}

func (l listed) status() functions.FunctionStatus {
	s := functions.FunctionStatus{Name: l.name, Revision: l.newestKey, State: "zero"}
	for i, r := range l.routed {
		r.addTo(&s, i == 0)
	}
	switch {
	case l.held:
		s.State = "draining" // its requests are held
	case s.Ready > 0:
		s.State = "ready"
	case s.Starting > 0:
		s.State = "starting"
	}
	switch {
	case l.declined != "":
		s.Error = "the revision " + l.newestKey + " cannot be served: " + l.declined
	case l.newest != nil && l.newest.troubled() != "":
		s.Error = l.newest.troubled()
	case len(l.routed) > 0 && l.routed[0].troubled() != "":
		s.Error = l.routed[0].troubled()
	case len(l.faults) > 0:
		s.Error = strings.Join(l.faults, "; ")
	}
	return s
}

// addTo adds the revision's pods and requests; main says that it answers most.
func (r *revision) addTo(s *functions.FunctionStatus, main bool) {
	inFlight, waiting := r.platform.room.Load(r.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Ready += len(r.pods)
	s.Starting += r.starting
	s.InFlight += inFlight
	s.Waiting += waiting
	if !main {
		return
	}
	model := r.Function.Spec.Model
	s.Revision, s.Model, s.ModelSum = r.Name, model.URI, model.SHA256
	s.Family, s.Licence, s.LastColdStart = string(model.Family), model.Licence, r.last
}

// troubled is why the revision's pods do not come up.
func (r *revision) troubled() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refusal.now.reason
}

// Decisions are the newest changes of how many pods this gateway wants of the function,
// the oldest first, each with its reason. known is false where there is no function of
// that name.
func (p *Platform) Decisions(function string) (_ []functions.Decision, known bool) {
	p.mu.Lock()
	f := p.shown[function]
	p.mu.Unlock()
	if f == nil {
		return nil, false
	}
	return f.history.Decisions(), true
}
