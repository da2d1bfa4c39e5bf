package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/knative/scaling"
)

// launcher starts processes. The tests have one that makes time and failure.
type launcher interface {
	launch(name string, rev functions.Revision, model Model) (process, error)
	// close is called when every process has ended.
	close() error
}

// process is one running saccade-runtime.
type process interface {
	// address is where it listens, from the first moment on.
	address() (network, address string)
	// ready blocks until the process is warm or says why it will not be.
	ready(ctx context.Context) (functions.Start, error)
	// terminate asks it to finish its requests and leave; kill does not ask.
	terminate()
	kill()
	// wait blocks until the process has ended. It is called once.
	wait() ending
	// settle blocks until the start has left the process nothing to do, or until gone
	// is closed.
	settle(gone <-chan struct{})
	// freeze stops the process where it stands, thaw lets it go on. Both return at once.
	freeze()
	thaw()
}

// ending is how a process ended.
type ending struct {
	// killed: a signal from outside ended it, not itself.
	killed bool
	// permanent: it said that trying again is no use.
	permanent bool
	// text is how it ended and its last words, for the log.
	text string
}

// startError is why an instance did not become ready.
type startError struct {
	reason            error
	killed, permanent bool
}

type state int

const (
	starting state = iota
	ready
	draining
)

// instance is one copy of a revision. Its fields are under the revision's mu.
type instance struct {
	name    string
	serial  int
	state   state
	process process
	life    *coldstart.Life
	// capacity is the function's containerConcurrency.
	capacity int
	pull     functions.Millis
	meter    *meter
	freezer  *freezer // nil where the style does not freeze
	second   bool     // it is begun again, after a first start that took too long
	// provisioned: it was started with fewer there than are kept initialised.
	provisioned bool
	failure     error // why it did not become ready, as it said or as the clock did
}

func (i *instance) published() coldstart.Instance {
	network, address := i.process.address()
	published := coldstart.Instance{
		Name: i.name, Network: network, Address: address,
		Ready: i.state == ready, Capacity: i.capacity, Pull: i.pull, Life: i.life,
	}
	if i.freezer != nil {
		published.Binds, published.Turns = true, i.freezer
	}
	return published
}

// launch starts one instance and follows it to its end. Call with mu held.
func (r *revision) launch() {
	r.serial++
	i := &instance{
		name: fmt.Sprintf("%s-%d", r.Name, r.serial), serial: r.serial, life: coldstart.NewLife(), pull: r.pullTime,
		capacity: r.Function.Spec.Scaling.ContainerConcurrency,
	}
	r.pullTime = 0 // paid once
	i.meter = r.platform.usage.open(i.name, r.Function)
	p, err := r.platform.launch.launch(i.name, r.Revision, *r.model)
	if err != nil {
		r.platform.usage.close(i.name, i.meter)
		r.failed(&startError{reason: fmt.Errorf("starting %s: %w", i.name, err)})
		return
	}
	i.process = p
	if r.Function.Spec.Scaling.IsLambda() {
		i.freezer = newFreezer(p, i.meter)
		i.second = r.seconds > 0
		r.seconds = max(0, r.seconds-1)
		i.provisioned = r.count(starting)+r.count(ready) < r.Function.Spec.Scaling.Lambda.ProvisionedConcurrency
	}
	r.instances = append(r.instances, i)
	r.tell(scaling.Starting, i, 0)
	r.platform.group.Go(func() { r.follow(i) })
}

// follow is an instance's life: it starts, serves, ends.
func (r *revision) follow(i *instance) {
	done := make(chan struct{})
	r.platform.group.Go(func() {
		defer close(done)
		r.awaitReady(i)
	})
	end := i.process.wait()
	i.meter.ended()
	<-done // the start's own story comes before the end's
	r.platform.usage.close(i.name, i.meter)

	r.mu.Lock()
	defer r.mu.Unlock()
	was := i.state
	r.drop(i)
	if was != draining {
		r.tell(scaling.Ended, i, 0)
	}
	// Life ends last: who retries must not be given this one again, nor any other where
	// its failure is a reason to refuse them all.
	r.publish()
	defer i.life.End(was != draining && !end.killed)
	if r.stopped {
		return
	}
	log := r.platform.opts.Log.With("instance", i.name)
	switch was {
	case draining:
		log.Info("instance stopped")
	case ready:
		log.Warn("instance lost", "how", end.text)
		r.again(firstBackoff)
		return
	case starting:
		log.Warn("instance did not become ready", "how", end.text)
		if r.secondInit(i) {
			r.seconds++
			break
		}
		r.failed(i.startError(end))
		return
	}
	r.reconcile()
}

// awaitReady publishes the instance as warm, or ends it when it does not become
// so in time.
func (r *revision) awaitReady(i *instance) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), r.startTimeout(i), errStartTimeout)
	defer cancel()
	start, err := i.process.ready(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		i.failure = err
		if _, said := errors.AsType[*functions.Error](err); said {
			r.end(i) // it has answers to give yet
		} else {
			i.process.kill() // does nothing where it is gone already
		}
		return
	}
	i.meter.becameReady()
	start.Pull = i.pull
	r.attempts, r.err = attempts{}, nil
	r.lastStart = &functions.LastColdStart{At: time.Now(), Start: start, Total: functions.Millis(start.Total())}
	r.platform.opts.Log.Info("instance ready", "instance", i.name, "pull", start.Pull.Milliseconds(),
		"start", start.Start.Milliseconds(), "load", start.Load.Milliseconds(), "warmup", start.Warmup.Milliseconds())
	if r.platform.opts.Started != nil {
		r.platform.opts.Started(r.Function.Metadata.Name, start)
	}
	r.closeProved()
	if i.state == starting {
		i.state = ready
		urgent := r.tell(scaling.Ready, i, start.Total())
		r.settle(i)
		if urgent && !r.stopped {
			r.decide(time.Now())
			return
		}
	}
	r.reconcile()
}

// startError is what the waiters are told of a start that failed: what the
// instance itself said, else that time was up, else how it ended.
func (i *instance) startError(end ending) *startError {
	e := &startError{killed: end.killed, permanent: end.permanent}
	switch said, ok := errors.AsType[*functions.Error](i.failure); {
	case ok: // it knows why, and would know the same the next time
		e.killed, e.permanent = false, true
		e.reason = said
	case errors.Is(i.failure, errStartTimeout):
		e.killed, e.permanent = false, true // killed by us; another try would take as long
		e.reason = functions.Errorf(functions.ColdStartTimeout, "the function did not become ready in time").
			Because(errors.New(end.text))
	default:
		e.reason = functions.Errorf(functions.Unavailable, "the function's instance ended before it was ready").
			Because(errors.New(end.text))
	}
	return e
}

var errStartTimeout = errors.New("the instance did not become ready in time")

// drain takes the instance out of service, waits for its requests and ends it.
// Call with mu held, and publish afterwards.
func (r *revision) drain(i *instance) {
	if i.state == draining {
		return
	}
	i.state = draining
	r.tell(scaling.Ended, i, 0)
	timeout := time.Duration(r.Function.Spec.Scaling.Timeout)
	r.platform.group.Go(func() {
		// 1. No new request comes: publish has withdrawn the instance.
		r.mu.Lock()
		r.publish()
		r.mu.Unlock()
		// 2. Those it has are finished.
		select {
		case <-r.platform.room.Drained(r.Name, i.name):
		case <-i.life.Ended():
			return
		case <-time.After(timeout):
		}
		// 3. The process leaves, or is made to.
		r.end(i)
	})
}

// end asks the instance to leave and makes it do so when it does not. It returns
// at once.
func (r *revision) end(i *instance) {
	if i.freezer != nil {
		i.freezer.end()
	}
	i.process.terminate()
	r.platform.group.Go(func() {
		select {
		case <-i.life.Ended():
		case <-time.After(stopGrace):
			i.process.kill()
		}
	})
}
