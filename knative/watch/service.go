package watch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/knative/scaling"
)

// function is a Knative Service with the label. It is replaced whole, but for what it
// has been told of itself.
type function struct {
	key     types.NamespacedName
	name    string // the label's
	history *scaling.History

	targets []target
	tags    map[string]string // tag -> revision
	newest  string            // revision
	drain   drain
	mirror  target
	faults  []string // what is wrong with it, for its status
	routed  string   // what the routing table has of it
	hidden  string   // why it is not to be had by its name
}

// target is a revision with percent of the requests.
type target struct {
	revision string
	percent  float64
}

// read is what the Service says, and when it is to be looked at again though nothing
// changes; 0 for never, or for that it was said before.
func (f *function) read(svc *servingv1.Service, now time.Time) (again time.Duration) {
	f.name, f.newest = svc.Labels[FunctionLabel], svc.Status.LatestCreatedRevisionName
	again = f.drain.read(svc.Annotations, now)
	f.targets, f.tags, f.faults, f.mirror = nil, map[string]string{}, nil, target{}
	for _, t := range svc.Status.Traffic {
		if t.RevisionName == "" {
			continue
		}
		if t.Tag != "" {
			f.tags[t.Tag] = t.RevisionName
		}
		if t.Percent == nil || *t.Percent <= 0 {
			continue
		}
		i := slices.IndexFunc(f.targets, func(o target) bool { return o.revision == t.RevisionName })
		if i < 0 {
			i = len(f.targets)
			f.targets = append(f.targets, target{revision: t.RevisionName})
		}
		f.targets[i].percent += float64(*t.Percent)
	}
	if len(f.targets) == 0 && f.newest != "" { // it is new: who comes waits for it
		f.targets = []target{{f.newest, 100}}
	}
	var err error
	if f.mirror, err = readMirror(svc.Annotations[MirrorAnnotation]); err != nil {
		f.faults = append(f.faults, err.Error())
	}
	if f.drain.forsaken(now) {
		f.faults = append(f.faults, forsakenDrain)
	}
	return again
}

// readMirror reads REVISION=PERCENT.
func readMirror(text string) (target, error) {
	if text == "" {
		return target{}, nil
	}
	revision, share, _ := strings.Cut(text, "=")
	percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) || revision == "" {
		return target{}, fmt.Errorf("its annotation %s is %.60q and not REVISION=PERCENT", MirrorAnnotation, text)
	}
	return target{revision, percent}, nil
}

// syncService looks at a Service and its revisions.
func (p *Platform) syncService(key types.NamespacedName) {
	svc := p.cluster.service(key)
	if svc == nil || svc.DeletionTimestamp != nil {
		p.removeFunction(key)
		return
	}
	for _, rev := range p.cluster.revisionsOf(key) {
		p.syncRevision(types.NamespacedName{Namespace: rev.Namespace, Name: rev.Name})
	}
	now := time.Now()
	p.mu.Lock()
	f := p.functionOf(key)
	before := slices.Clone(f.faults)
	if again := f.read(svc, now); again > 0 {
		p.later(change{aService, key}, again)
	}
	if !slices.Equal(before, f.faults) && len(f.faults) > 0 {
		p.opts.Log.Warn("something is wrong with a function", "service", key, "faults", strings.Join(f.faults, "; "))
	}
	led, held := p.ledTo(f), f.drain.held(now)
	p.mu.Unlock()
	if held { // before anybody is led to a revision that may be about to go
		for _, l := range led {
			l.revision.hold()
		}
	}
	p.mu.Lock()
	p.route()
	p.mu.Unlock()
	for _, l := range led {
		l.revision.lead(l.address)
	}
	if !held { // after it is known who has the requests now
		for _, l := range led {
			l.revision.move()
		}
	}
}

// functionOf is the function of a Service, made on first sight. Call with mu held.
func (p *Platform) functionOf(key types.NamespacedName) *function {
	f := p.functions[key]
	if f == nil {
		f = &function{key: key, history: &scaling.History{}}
		p.functions[key] = f
	}
	return f
}

// removeFunction ends a function whose Service is gone.
func (p *Platform) removeFunction(key types.NamespacedName) {
	p.mu.Lock()
	f := p.functions[key]
	delete(p.functions, key)
	var left []types.NamespacedName
	for rev, r := range p.revisions {
		if f != nil && r.history == f.history {
			left = append(left, rev)
		}
	}
	p.route()
	p.mu.Unlock()
	for _, rev := range left {
		p.removeRevision(rev)
	}
	if f != nil {
		p.opts.Log.Info("function removed", "service", key)
	}
}

// way is how a revision is reached.
type way struct {
	revision *revision
	address  string
}

// ledTo are the revisions of f. The Service's own address leads to a revision that has
// all requests, a tag's to the one with the tag. Call with mu held.
func (p *Platform) ledTo(f *function) []way {
	var all []way
	host := func(name string) string {
		return fmt.Sprintf("%s.%s.svc.%s", name, f.key.Namespace, p.opts.ClusterDomain)
	}
	for _, r := range p.revisions {
		if r.history != f.history {
			continue
		}
		w := way{revision: r}
		for _, tag := range slices.Sorted(maps.Keys(f.tags)) {
			if f.tags[tag] == r.key.Name {
				w.address = host(tag + "-" + f.key.Name)
				break
			}
		}
		if len(f.targets) == 1 && f.targets[0].revision == r.key.Name {
			w.address = host(f.key.Name)
		}
		all = append(all, w)
	}
	return all
}

// syncRevision looks at a revision, its endpoints and its pods.
func (p *Platform) syncRevision(key types.NamespacedName) {
	rev := p.cluster.revision(key)
	if rev == nil || rev.DeletionTimestamp != nil {
		p.removeRevision(key)
		return
	}
	r, fresh := p.ensure(key, rev)
	if r != nil {
		r.update(rev, readyEndpoints(p.cluster.slicesOf(key)), p.cluster.podsOf(key), fresh)
	}
}

// ensure is the revision, nil where its declaration is none; fresh says that the state
// of the cluster was known before.
func (p *Platform) ensure(key types.NamespacedName, rev *servingv1.Revision) (r *revision, fresh bool) {
	p.mu.Lock()
	if r := p.revisions[key]; r != nil {
		defer p.mu.Unlock()
		return r, p.settled
	}
	p.mu.Unlock()
	f, err := declared(rev)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if p.broken[key] != err.Error() {
			p.opts.Log.Error("a revision cannot be served", "revision", key, "error", err)
		}
		p.broken[key] = err.Error()
		return nil, false
	}
	delete(p.broken, key)
	name := key.Name
	if p.named[name] != nil { // of another namespace
		name = key.Name + "." + key.Namespace
		p.opts.Log.Warn("two revisions have the same name", "revision", key, "called", name)
	}
	owner := types.NamespacedName{Namespace: key.Namespace, Name: serviceOf(rev)}
	r = newRevision(p, rev, name, f, p.functionOf(owner).history)
	p.revisions[key], p.named[name] = r, r
	if f.Spec.Scaling.IsLambda() && f.Spec.Scaling.Lambda.ReservedConcurrency > 0 {
		p.room.Bound(name, f.Spec.Scaling.Lambda.ReservedConcurrency)
	}
	return r, p.settled
}

// removeRevision forgets a revision that is gone.
func (p *Platform) removeRevision(key types.NamespacedName) {
	p.mu.Lock()
	r := p.revisions[key]
	delete(p.broken, key)
	if r == nil {
		p.mu.Unlock()
		return
	}
	delete(p.revisions, key)
	delete(p.named, r.Name)
	add(p.past, r.meter.usage()) // with the same lock: the sum never goes back
	p.route()
	p.mu.Unlock()
	r.end()
}
