package local

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// usage keeps the books of what instances used. The zero value is empty.
type usage struct {
	mu    sync.Mutex
	named map[string]*meter // of the instances that live, by name
	// live is apart from named: a function that was removed and comes back gives
	// names anew, while the last instance of that name may still be leaving.
	live map[*meter]bool
	past map[line]functions.Usage // of those that are gone
}

// line is what times are added up by: a second of a large instance is another
// thing than one of a small.
type line struct {
	function string
	held     functions.Held
}

// open begins to count the time of an instance.
func (u *usage) open(instance string, f functions.Function) *meter {
	m := newMeter(f.Metadata.Name, held(f), f.Spec.Scaling.ContainerConcurrency)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.live == nil {
		u.named, u.live, u.past = map[string]*meter{}, map[*meter]bool{}, map[line]functions.Usage{}
	}
	u.named[instance], u.live[m] = m, true
	return m
}

// close moves the time of an instance to the past, when it is gone and all is known
// of it.
func (u *usage) close(instance string, m *meter) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.named[instance] == m {
		delete(u.named, instance)
	}
	delete(u.live, m)
	m.ended()
	m.concluded()
	add(u.past, m.usage())
}

func add(lines map[line]functions.Usage, more functions.Usage) {
	l := line{more.Function, more.Held}
	sum, ok := lines[l]
	if !ok {
		sum = functions.Usage{Function: more.Function, Held: more.Held}
	}
	lines[l] = sum.Plus(more)
}

// Usage is what the instances have used up to now, by function and by what an
// instance held. Its totals never go back, whatever was removed since.
func (p *Platform) Usage() []functions.Usage {
	u := &p.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	sums := maps.Clone(u.past)
	for m := range u.live {
		add(sums, m.usage())
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b functions.Usage) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), a.Held.Compare(b.Held))
	})
}

// Occupy tells that a request is in the named instance now, until the function
// that it returns is called, once: with whether the instance answered. That
// function says what the request took of the instance. It is nothing where the
// instance is gone already.
func (p *Platform) Occupy(instance string) func(answered bool) functions.Share {
	p.usage.mu.Lock()
	m := p.usage.named[instance]
	p.usage.mu.Unlock()
	if m == nil {
		return func(bool) functions.Share { return functions.Share{} }
	}
	return m.occupy()
}

// held is what an instance of f holds on this machine.
//
// Without a bound of its own it has the cores that its runs may keep busy. Memory
// without a bound is not reserved, so none is held. A GPU is certain only where
// the function may run on nothing else.
func held(f functions.Function) functions.Held {
	r := f.Spec.Runtime
	h := functions.Held{CPU: float64(min(runtime.GOMAXPROCS(0), r.Parallel*r.Threads))}
	if cores, err := catalog.ParseCPU(f.Spec.Resources.CPU); err == nil {
		h.CPU = cores
	}
	if bytes, err := catalog.ParseMemory(f.Spec.Resources.Memory); err == nil {
		h.Memory = bytes
	}
	switch {
	case f.Spec.Resources.GPU > 0:
		h.GPUs = float64(f.Spec.Resources.GPU)
	case len(r.Providers) > 0 && !slices.Contains(r.Providers, functions.DefaultProvider):
		h.GPUs = 1
	}
	return h
}
