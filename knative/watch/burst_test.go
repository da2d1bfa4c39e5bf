package watch

import (
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// knative is what stands behind the gateway: Knative's own autoscaler, which counts the
// requests that it sees, and pods that take a while to start. Its lock is the outermost.
type knative struct {
	w        *world
	revision types.NamespacedName
	load     time.Duration
	service  time.Duration

	mu      sync.Mutex
	changed *sync.Cond
	kpa     scaling.Policy
	started int
	wanted  int
	most    int
	ready   []int
	busy    map[int]int // requests in a pod; under its negative, those worked on: one at a time
}

func newKnative(w *world, revision types.NamespacedName, utilisation float64, load, service time.Duration) *knative {
	f := functions.Function{Spec: functions.Spec{Scaling: functions.Scaling{ContainerConcurrency: 1, TargetUtilization: utilisation}}}
	k := &knative{
		w: w, revision: revision, load: load, service: service, busy: map[int]int{},
		kpa: newPolicyOutside(f.WithDefaults().Spec.Scaling, time.Now()),
	}
	k.changed = sync.NewCond(&k.mu)
	return k
}

// run decides at Knative's pace until stop is closed.
func (k *knative) run(stop chan struct{}) {
	ticker := time.NewTicker(scaling.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			k.mu.Lock()
			k.decide(now)
			k.mu.Unlock()
		}
	}
}

func (k *knative) decide(now time.Time) {
	k.wanted = k.kpa.Decide(now).Instances
	k.most = max(k.most, k.wanted)
	for k.started < k.wanted { // none is let go again in this time
		k.started++
		n := k.started
		k.kpa.Tell(scaling.Event{What: scaling.Starting, At: now, Instance: n})
		time.AfterFunc(k.load, func() {
			k.mu.Lock()
			k.ready = append(k.ready, n)
			k.kpa.Tell(scaling.Event{What: scaling.Ready, At: time.Now(), Instance: n})
			ready := append([]int{}, k.ready...)
			k.changed.Broadcast()
			k.mu.Unlock()
			k.w.quietPods(k.revision, ready...)
		})
	}
}

// serve is a request that the gateway has let go, to a pod, or 0 for the activator,
// which gives it to the pod with the fewest requests.
func (k *knative) serve(pod int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kpa.Tell(scaling.Event{What: scaling.Arrived, At: time.Now()}) {
		k.decide(time.Now())
	}
	for pod == 0 {
		for _, n := range k.ready {
			if pod == 0 || k.busy[n] < k.busy[pod] {
				pod = n
			}
		}
		if pod == 0 {
			k.changed.Wait()
		}
	}
	k.busy[pod]++
	for k.busy[-pod] > 0 {
		k.changed.Wait()
	}
	k.busy[-pod] = 1
	k.mu.Unlock()
	time.Sleep(k.service)
	k.mu.Lock()
	k.busy[-pod] = 0
	k.busy[pod]--
	k.changed.Broadcast()
	k.kpa.Tell(scaling.Event{What: scaling.Left, At: time.Now(), Took: k.service})
}

// burst lets 40 requests come at once and says how long the last one took.
func (k *knative) burst(ask func()) (last time.Duration) {
	stop := make(chan struct{})
	var group, running sync.WaitGroup
	running.Go(func() { k.run(stop) })
	began := time.Now()
	var mu sync.Mutex
	for range 40 {
		group.Go(func() {
			ask()
			mu.Lock()
			defer mu.Unlock()
			last = max(last, time.Since(began))
		})
	}
	group.Wait()
	time.Sleep(4 * scaling.Tick) // what was ordered too much comes now
	close(stop)
	running.Wait()
	return last
}

func TestFortyAtOnceFromZeroStartNoMorePodsThanTheyNeed(t *testing.T) {
	const load, service = 1500 * time.Millisecond, 40 * time.Millisecond
	// What clears the 40 in as long as one start takes, once the first pod is there.
	const need = 2
	for _, tt := range []struct {
		name        string
		utilisation float64
		measured    string
	}{
		{"nothing is known of the function", 100, ""},
		{"its times are known", 100, "load=1.5s,service=40ms"},
		{"at Knative's own utilisation", 70, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var plain, held int
			var plainLast, heldLast time.Duration
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				k := newKnative(w, w.deploy("team", "eye"), tt.utilisation, load, service)
				plainLast = k.burst(func() { k.serve(0) })
				plain = k.started
			})
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				rev := revisionOf("team", "eye", "eye-00001")
				if tt.utilisation != 100 {
					delete(rev.Annotations, "autoscaling.knative.dev/target-utilization-percentage")
				}
				if tt.measured != "" {
					rev.Annotations[MeasuredAnnotation] = tt.measured
				}
				w.addRevision(rev)
				w.addService(serviceOn("team", "eye", share(rev.Name, 100)))
				w.settle()
				k := newKnative(w, types.NamespacedName{Namespace: "team", Name: rev.Name}, tt.utilisation, load, service)
				answered := 0
				var mu sync.Mutex
				heldLast = k.burst(func() {
					ticket, err := w.room.Enter("eye-00001")
					if err != nil {
						t.Error(err)
						return
					}
					defer ticket.Leave()
					lease, err := ticket.Wait(w.Context())
					if err != nil {
						t.Error(err)
						return
					}
					defer lease.Release()
					k.serve(podOf(lease.Address))
					mu.Lock()
					defer mu.Unlock()
					answered++
				})
				if answered != 40 {
					t.Errorf("%d of 40 answered", answered)
				}
				held = k.started
			})
			t.Logf("held back: %d pods, the last answer after %v; plain Knative: %d pods, after %v", held, heldLast, plain, plainLast)
			if held > 2*need {
				t.Errorf("%d pods were started, want at most %d", held, 2*need)
			}
			if held >= plain/2 {
				t.Errorf("%d pods were started, plain Knative starts %d", held, plain)
			}
			if heldLast > plainLast+2*load {
				t.Errorf("the last answer came after %v, with plain Knative after %v", heldLast, plainLast)
			}
		})
	}
}

// podOf is the number of the pod at that address, 0 for the activator.
func podOf(address string) int {
	host, _, _ := strings.Cut(address, ":")
	rest, isPod := strings.CutPrefix(host, "10.0.0.")
	if !isPod {
		return 0
	}
	n := 0
	for _, digit := range rest {
		n = 10*n + int(digit-'0')
	}
	return n
}
