package watch

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Knative's autoscaler reports to a goroutine that was born with the program,
// which a bubble of virtual time may not talk to. So it is called on a goroutine
// outside; the time it is told is the bubble's.
var outside struct {
	sync.Mutex
	calls chan func()
	done  chan struct{}
}

func TestMain(m *testing.M) {
	outside.calls, outside.done = make(chan func()), make(chan struct{})
	go func() {
		for call := range outside.calls {
			call()
			outside.done <- struct{}{}
		}
	}()
	os.Exit(m.Run())
}

func callOutside(f func()) {
	outside.Lock()
	defer outside.Unlock()
	outside.calls <- f
	<-outside.done
}

type kpaOutside struct{ scaling.Policy }

func newPolicyOutside(s functions.Scaling, now time.Time) (p scaling.Policy) {
	callOutside(func() { p = kpaOutside{scaling.New(s, now)} })
	return p
}

func (k kpaOutside) Decide(now time.Time) (d scaling.Decision) {
	callOutside(func() { d = k.Policy.Decide(now) })
	return d
}
