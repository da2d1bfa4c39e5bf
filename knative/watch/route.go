package watch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	serving "knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/routing"
)

func serviceOf(rev *servingv1.Revision) string { return rev.Labels[serving.ServiceLabelKey] }

// names are what functions are called. In one namespace that is their own name. Where
// all are watched it is name.namespace, and the name alone as well where no other
// namespace has it: who may make a function of somebody else's name somewhere must not
// get that one's requests. Call with mu held.
func (p *Platform) names() map[string]*function {
	all := slices.SortedFunc(maps.Values(p.functions), byPrecedence)
	names := map[string]*function{}
	alone := map[string]bool{}
	for _, f := range all {
		if f.name == "" { // only its revisions have been seen yet
			continue
		}
		name := f.name
		if p.opts.Namespace == "" {
			name += "." + f.key.Namespace
		}
		if names[name] != nil { // two Services of one namespace
			continue
		}
		names[name] = f
		if p.opts.Namespace == "" {
			_, taken := alone[f.name]
			alone[f.name] = !taken
		}
	}
	for _, f := range all {
		if alone[f.name] && names[f.name] == nil && names[f.name+"."+f.key.Namespace] == f {
			names[f.name] = f
		}
	}
	return names
}

// byPrecedence orders functions: of those that want the same name the first has it.
func byPrecedence(a, b *function) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.key.Namespace, b.key.Namespace), cmp.Compare(a.key.Name, b.key.Name))
}

// route brings the routing table up to date. Call with mu held.
func (p *Platform) route() {
	names := p.names()
	for name := range p.shown {
		if names[name] == nil {
			p.routes.Remove(name)
		}
	}
	again := map[*function]bool{}
	for name, f := range names {
		targets, tags, routed := p.targetsOf(f)
		switch {
		case len(targets)+len(tags) == 0:
			p.routes.Remove(name)
		case p.shown[name] != f || f.routed != routed || again[f]: // else its turns go on as they are
			p.routes.Share(name, targets, tags)
		}
		if f.routed != routed {
			p.opts.Log.Info("routes", "function", name, "to", routed)
			again[f] = true // it may have a second name
		}
		f.routed = routed
	}
	p.shown = names
	p.sayHidden(names)
}

// sayHidden says once which functions cannot be asked for by the name they have. Call
// with mu held.
func (p *Platform) sayHidden(names map[string]*function) {
	for _, f := range p.functions {
		short, long := names[f.name], names[f.name+"."+f.key.Namespace]
		hidden := ""
		switch {
		case f.name == "" || short == f:
		case long == f:
			hidden = "another namespace has a function of that name: it is called " + f.name + "." + f.key.Namespace
		default:
			hidden = "another Service has the same label in the same namespace: it is not served"
		}
		if hidden != "" && hidden != f.hidden {
			p.opts.Log.Warn("a function's name is taken", "service", f.key, "why", hidden)
		}
		f.hidden = hidden
	}
}

// targetsOf are the revisions of f that can be served, and the same in words. Call
// with mu held.
func (p *Platform) targetsOf(f *function) (targets []routing.Target, tags map[string]functions.Revision, words string) {
	tags = map[string]functions.Revision{}
	for _, t := range f.targets {
		if r := p.revisionOf(f, t.revision); r != nil {
			targets = append(targets, routing.Target{Revision: r.Revision, Weight: t.percent})
			words += fmt.Sprintf("%s=%v ", r.Name, t.percent)
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(f.tags)) {
		if r := p.revisionOf(f, f.tags[tag]); r != nil {
			tags[tag] = r.Revision
			words += fmt.Sprintf("@%s=%s ", tag, r.Name)
		}
	}
	return targets, tags, words
}

// revisionOf is the revision of f with that name, nil where there is none that can be
// served. Call with mu held.
func (p *Platform) revisionOf(f *function, name string) *revision {
	r := p.revisions[types.NamespacedName{Namespace: f.key.Namespace, Name: name}]
	if r == nil || r.history != f.history {
		return nil
	}
	return r
}

// Mirror is the revision that gets percent of the function's requests a second time; no
// revision, and 0, where there is none.
func (p *Platform) Mirror(function string) (functions.Revision, float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.shown[function]
	if f == nil || f.mirror.percent == 0 {
		return functions.Revision{}, 0
	}
	r := p.revisionOf(f, f.mirror.revision)
	if r == nil {
		return functions.Revision{}, 0
	}
	return r.Revision, f.mirror.percent
}
