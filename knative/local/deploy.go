package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Deploy makes d the newest revision of its function. A function that is new is
// routed at once and starts with its first request. One that serves already goes
// on serving with its old revision until an instance of the new one is ready; an
// error means that it still does.
func (p *Platform) Deploy(ctx context.Context, d Deployment) error {
	name := d.Function.Metadata.Name
	p.mu.Lock()
	if p.room == nil {
		p.mu.Unlock()
		return errors.New("deploying before the platform was started")
	}
	f := p.functions[name]
	if f == nil {
		f = &deployed{name: name}
		p.functions[name] = f
	}
	p.mu.Unlock()

	f.deploying.Lock()
	defer f.deploying.Unlock()

	p.mu.Lock()
	f.generation++
	old := f.current
	next := newRevision(p, functions.Revision{
		Name:     fmt.Sprintf("%s-%05d", name, f.generation),
		Function: d.Function,
	}, d.Pull)
	next.history = &f.history
	p.revisions[next.Name] = next
	if old == nil {
		f.current = next
	}
	p.mu.Unlock()
	next.start()
	if d.Function.Spec.Scaling.Autoscaler == functions.AutoscalerHPA {
		p.opts.Log.Warn("one machine has no horizontal pod autoscaler: kpa scales in its place", "revision", next.Name)
	}

	if old == nil {
		p.routes.Set(next.Revision)
		return nil
	}
	err := next.prove(ctx)
	p.mu.Lock()
	f.err = err
	if err == nil {
		f.current = next
	}
	p.mu.Unlock()
	if err != nil {
		p.forget(next)
		return fmt.Errorf("deploying %s, %s serves on: %w", next.Name, old.Name, err)
	}
	p.succeed(f, old, next)
	return nil
}

// succeed routes requests to next, to old what next leaves, and to no other. Call with
// f.deploying held.
func (p *Platform) succeed(f *deployed, old, next *revision) {
	for _, r := range f.leaving {
		p.forget(r)
	}
	f.leaving = nil
	s := next.Function.Spec.Scaling
	if weight := s.Lambda.VersionWeight; s.IsLambda() && weight < 100 {
		p.routes.Split(old.Revision, next.Revision, weight)
		old, f.beside = f.beside, old
	} else {
		p.routes.Set(next.Revision)
		if f.beside != nil {
			f.beside.retire()
			f.leaving = append(f.leaving, f.beside)
			f.beside = nil
		}
	}
	if old != nil {
		old.retire()
		f.leaving = append(f.leaving, old)
	}
}

// forget ends a revision that gets no more requests.
func (p *Platform) forget(r *revision) {
	r.stop()
	p.mu.Lock()
	delete(p.revisions, r.Name)
	p.mu.Unlock()
	p.room.Forget(r.Name)
}

// Remove stops a function. Requests that are with an instance are finished, those
// that wait for one are told.
func (p *Platform) Remove(name string) {
	p.mu.Lock()
	f := p.functions[name]
	delete(p.functions, name)
	p.mu.Unlock()
	if f == nil {
		return
	}
	p.routes.Remove(name)
	f.deploying.Lock()
	defer f.deploying.Unlock()
	gone := functions.Errorf(functions.NotFound, "the function was removed")
	for _, r := range append(f.leaving, f.current, f.beside) {
		if r != nil {
			p.room.Refuse(r.Name, gone, time.Now())
			p.forget(r)
		}
	}
}
