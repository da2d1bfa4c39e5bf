package local

import (
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// status is the revision as its users see it.
func (r *revision) status() functions.FunctionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec := r.Function.Spec
	inFlight, waiting := r.platform.room.Load(r.Name)
	s := functions.FunctionStatus{
		Name: r.Function.Metadata.Name, Revision: r.Name,
		Model: spec.Model.URI, Family: string(spec.Model.Family), Licence: spec.Model.Licence,
		Ready: r.count(ready), Starting: r.count(starting), InFlight: inFlight, Waiting: waiting,
		LastColdStart: r.lastStart,
	}
	if r.model != nil {
		s.ModelSum, s.Family = r.model.Sum, string(r.model.Family)
	}
	switch {
	case s.Ready > 0 && r.allFrozen():
		s.State = "frozen"
	case s.Ready > 0:
		s.State = "ready"
	case s.Starting > 0 || r.pulling:
		s.State = "starting"
	case r.count(draining) > 0:
		s.State = "draining"
	default:
		s.State = "zero"
	}
	if r.err != nil {
		s.Error = publicText(r.err)
	}
	return s
}

// allFrozen says that every ready instance is. Call with mu held.
func (r *revision) allFrozen() bool {
	return !slices.ContainsFunc(r.instances, func(i *instance) bool {
		return i.state == ready && (i.freezer == nil || !i.freezer.isFrozen())
	})
}
