package watch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
)

// meter counts the time of a revision's pods, all together: through the activator
// nobody knows which of them has a request. Its lock is the innermost.
type meter struct {
	function string
	held     functions.Held
	slots    int // requests at a time in a pod

	mu              sync.Mutex
	since           time.Time // up to when everything below is counted
	ready, starting int       // pods
	inside          int       // requests
	lived, busy     time.Duration
	start           time.Duration
	starts          int64
	// share is what each request that is inside has had of the pods: its slot's part of
	// one, less where more are inside than the pods have slots.
	share time.Duration
}

func newMeter(function string, held functions.Held, slots int) *meter {
	return &meter{function: function, held: held, slots: max(1, slots), since: time.Now()}
}

// count brings the times up to now. Call with mu held.
func (m *meter) count() {
	now := time.Now()
	spent := now.Sub(m.since)
	m.since = now
	m.start += time.Duration(m.starting) * spent
	m.lived += time.Duration(m.ready) * spent
	if m.inside == 0 || m.ready == 0 {
		return
	}
	each := spent * time.Duration(min(m.inside, m.ready*m.slots)) / time.Duration(m.slots*m.inside)
	m.share += each
	m.busy += each * time.Duration(m.inside) // so that what requests are told sums up to it
}

// set says how many pods there are from now on.
func (m *meter) set(ready, starting int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.starts += int64(max(0, ready-m.ready))
	m.ready, m.starting = ready, starting
}

// occupy counts a request in until the returned function counts it out.
func (m *meter) occupy() func(bool) functions.Share {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.inside++
	came := m.share
	return func(bool) functions.Share {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.count()
		m.inside--
		return functions.Share{Held: m.held, Busy: m.share - came}
	}
}

func (m *meter) usage() functions.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	return functions.Usage{
		Function: m.function, Held: m.held, Busy: m.busy, Idle: m.lived - m.busy, Starting: m.start, Starts: m.starts,
	}
}

// line is what times are added up by.
type line struct {
	function string
	held     functions.Held
}

func add(lines map[line]functions.Usage, more functions.Usage) {
	l := line{more.Function, more.Held}
	sum, ok := lines[l]
	if !ok {
		sum = functions.Usage{Function: more.Function, Held: more.Held}
	}
	lines[l] = sum.Plus(more)
}

// Usage is what the pods have used since this gateway watches them. Every replica of
// the gateway counts the same pods, so their idle and starting times are not to be
// added; busy times are each replica's own.
func (p *Platform) Usage() []functions.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	sums := maps.Clone(p.past)
	for _, r := range p.revisions {
		add(sums, r.meter.usage())
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b functions.Usage) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), a.Held.Compare(b.Held))
	})
}

// Occupy tells that a request is in the named instance now, until the function that it
// returns is called. A cold start is charged to no request: who waited for it is known,
// not which pod it was.
func (p *Platform) Occupy(instance string) func(answered bool) functions.Share {
	name, _, _ := strings.Cut(instance, "/")
	r := p.revision(name)
	if r == nil {
		return func(bool) functions.Share { return functions.Share{} }
	}
	return r.meter.occupy()
}

// gpuPrefix begins the resources of NVIDIA's device plugin, parts of GPUs too.
const gpuPrefix = "nvidia.com/"

// held is what a pod of rev keeps from others: what it is promised, all containers
// together, else what it is bounded to.
func held(rev *servingv1.Revision) (h functions.Held) {
	for _, c := range rev.Spec.Containers {
		amount := func(name corev1.ResourceName) float64 {
			if q, ok := c.Resources.Requests[name]; ok {
				return q.AsApproximateFloat64()
			}
			q := c.Resources.Limits[name]
			return q.AsApproximateFloat64()
		}
		h.CPU += amount(corev1.ResourceCPU)
		h.Memory += int64(amount(corev1.ResourceMemory))
		for name := range c.Resources.Limits {
			if strings.HasPrefix(string(name), gpuPrefix) {
				h.GPUs += amount(name)
			}
		}
	}
	return h
}
