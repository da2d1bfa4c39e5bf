package local

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/costs"
)

// billed is a request as the gateway makes one: in and out of the ledger while it
// has its place in an instance.
func (w *world) billed(ledger *costs.Ledger, key string, service time.Duration) *functions.Cost {
	rev, err := w.routes.Route("eye")
	if err != nil {
		return nil
	}
	bill := ledger.Open("eye", key)
	defer bill.Settle()
	ticket, err := w.room.Enter(rev.Name)
	if err != nil {
		return nil
	}
	defer ticket.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		lease, err := ticket.Wait(ctx)
		if err != nil {
			return nil
		}
		leave := bill.Enter(lease.Name)
		answered := w.work(lease.Address, lease.Life.Ended(), service)
		leave(answered)
		lease.Release()
		if answered {
			return bill.Settle()
		}
		if !ticket.MayRetry(ctx, lease) {
			return nil
		}
	}
}

func (w *world) work(address string, ended <-chan struct{}, service time.Duration) (answered bool) {
	f := w.fakes.named(address)
	if f == nil {
		<-ended
		return false
	}
	select {
	case <-f.warm:
	case <-ended:
		return false
	}
	select {
	case <-time.After(service):
		return true
	case <-ended:
		return false
	}
}

// Whatever happens, every nanosecond of every instance is in exactly one part, no
// part ever goes back, and what requests were charged is what the function has as
// billed, and no more than it has as wasted.
func TestBilledIdleAndWastedAddUpToTheInstancesLives(t *testing.T) {
	var charged time.Duration
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { charged += randomLife(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
	// In one life it may be that nobody waits for a start.
	if charged == 0 {
		t.Error("no request was charged a start")
	}
}

// randomLife returns how much of starts requests were charged.
func randomLife(t *testing.T, dice *rand.Rand) (charged time.Duration) {
	upTo := func(d time.Duration) time.Duration { return time.Duration(dice.Int64N(int64(d))) }
	fs := &fakes{load: upTo(4*time.Second) + 1}
	for range 60 {
		if dice.IntN(4) == 0 {
			fs.next = append(fs.next, &ending{text: "exit status 2"})
		} else {
			fs.next = append(fs.next, nil)
		}
	}
	w := newWorld(t, fs, Options{MaxInstances: 5})
	clock := &clocked{launcher: fs}
	w.platform.launch = clock
	prices := costs.Default()
	prices.Request = 0.001
	ledger := costs.New(prices, w.platform, costs.Options{})
	f := function(func(s *functions.Scaling) {
		s.ContainerConcurrency = 1 + dice.IntN(7)
		s.MinScale = dice.IntN(2)
		s.Window = functions.Duration(6 * time.Second)
	})
	w.deploy(f)

	watching := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		var last map[functions.Held]functions.Usage
		for {
			last = neverBack(t, last, w.platform.Usage())
			select {
			case <-watching:
				return
			case <-time.After(777 * time.Millisecond):
			}
		}
	}()

	// One deployment at a time: waiting for a mutex, a bubble's time stands still.
	changing := make(chan struct{}, 1)
	var group sync.WaitGroup
	var mu sync.Mutex
	paid := map[string]functions.Cost{}
	for n := range 120 {
		wait, service, key := upTo(2*time.Minute), upTo(3*time.Second)+1, fmt.Sprint(dice.IntN(3))
		group.Go(func() {
			time.Sleep(wait)
			if cost := w.billed(ledger, key, service); cost != nil {
				mu.Lock()
				defer mu.Unlock()
				paid[key] = paid[key].Plus(*cost)
			}
		})
		if n%20 == 0 {
			group.Go(func() { // a revision that holds something else
				time.Sleep(wait)
				next := f
				next.Spec.Resources.CPU = fmt.Sprint(1 + n/20%3)
				changing <- struct{}{}
				_ = w.platform.Deploy(context.Background(), Deployment{Function: next, Pull: pulled})
				<-changing
			})
			group.Go(func() { // an instance that dies
				time.Sleep(service + wait)
				if f := w.fakes.any(); f != nil {
					f.kill()
				}
			})
		}
	}
	group.Go(func() { // removed, and back under the same names
		time.Sleep(time.Minute)
		changing <- struct{}{}
		defer func() { <-changing }()
		w.platform.Remove("eye")
		_ = w.platform.Deploy(context.Background(), Deployment{Function: f, Pull: pulled})
	})
	time.Sleep(upTo(2 * time.Minute))
	sameAsLives(t, w, clock)
	group.Wait()
	sameAsLives(t, w, clock)
	time.Sleep(3 * time.Minute) // nobody is left in an instance
	close(watching)
	<-watched
	sameAsLives(t, w, clock)
	return checkReport(t, w, ledger, prices, paid)
}

// neverBack compares a reading with the one before.
func neverBack(t *testing.T, last map[functions.Held]functions.Usage, usage []functions.Usage) map[functions.Held]functions.Usage {
	t.Helper()
	now := map[functions.Held]functions.Usage{}
	for _, u := range usage {
		now[u.Held] = u
	}
	for held, before := range last {
		d := now[held].Minus(before)
		if d.Busy < 0 || d.Idle < 0 || d.Starting < 0 || d.Frozen < 0 || d.Failed < 0 || d.Starts < 0 {
			t.Errorf("went back: %+v then %+v", before, now[held])
		}
	}
	return now
}

func sameAsLives(t *testing.T, w *world, clock *clocked) {
	t.Helper()
	synctest.Wait()
	var counted time.Duration
	for _, u := range w.platform.Usage() {
		counted += u.Lived()
		if u.Failed > u.Starting {
			t.Errorf("more failed than started: %+v", u)
		}
	}
	if lived := clock.total(); counted != lived {
		t.Errorf("counted %v of %v that instances lived", counted, lived)
	}
}

// checkReport holds the report against the platform's seconds and the requests'
// own costs, and returns how much of starts they were charged.
func checkReport(
	t *testing.T, w *world, ledger *costs.Ledger, prices costs.Prices, paid map[string]functions.Cost,
) (charged time.Duration) {
	t.Helper()
	report := ledger.Report(costs.Query{})
	if len(report.Functions) != 1 {
		t.Fatalf("%d functions", len(report.Functions))
	}
	eye := report.Functions[0]
	var billed, starting time.Duration
	var money float64
	for _, u := range w.platform.Usage() {
		billed, starting = billed+u.Busy, starting+u.Starting
		money += u.Lived().Seconds() * (u.Held.CPU*prices.CPUSecond + float64(u.Held.Memory)/(1<<30)*prices.GBSecond)
	}
	var keys functions.Cost
	requests := int64(0)
	for _, k := range report.Keys {
		keys = keys.Plus(k.Cost)
		requests += k.Requests
		if own := paid[k.Key]; own.Total > k.Cost.Total+1e-12 {
			t.Errorf("%q was told of %v and has %v in its account", k.Key, own, k.Cost)
		}
	}
	charged = time.Duration(keys.ColdStartSeconds)
	switch {
	case time.Duration(keys.ServingSeconds) != billed || time.Duration(eye.Seconds.Billed) != billed:
		t.Errorf("the platform counted %v busy, requests were charged %v, the function %v",
			billed, time.Duration(keys.ServingSeconds), time.Duration(eye.Seconds.Billed))
	case charged > starting:
		t.Errorf("requests were charged %v of %v of starts", charged, starting)
	case requests != eye.Requests || requests == 0 || requests > 120:
		t.Errorf("%d requests in the accounts, %d in the function", requests, eye.Requests)
	case eye.Seconds.Billed+eye.Seconds.Idle+eye.Seconds.Frozen+eye.Seconds.Wasted != eye.Seconds.Total:
		t.Errorf("the seconds do not add up: %+v", eye.Seconds)
	}
	lives := float64(eye.Cost.Billed + eye.Cost.Idle + eye.Cost.Frozen + eye.Cost.Wasted)
	if math.Abs(lives-money) > 1e-12*money {
		t.Errorf("billed, idle and wasted cost %v; the instances' lives cost %v", lives, money)
	}
	if diff := cmp.Diff(float64(eye.Requests)*prices.Request, float64(eye.Cost.Request)); diff != "" {
		t.Error(diff)
	}
	return charged
}

func TestUsageOfAFunctionThatIsGoneStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{})
		if got := w.platform.Usage(); len(got) != 0 {
			t.Errorf("before anything lived: %+v", got)
		}
		w.deploy(function(nil))
		if err := w.request(time.Second); err != nil {
			t.Fatal(err)
		}
		w.platform.Remove("eye")
		time.Sleep(time.Minute)
		gone := w.platform.Usage()
		if len(gone) != 1 || gone[0].Starting != time.Second || gone[0].Idle != time.Second {
			t.Errorf("after it was removed: %+v", gone)
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff(gone, w.platform.Usage()); diff != "" {
			t.Errorf("a minute on: %s", diff)
		}
		if share := w.platform.Occupy("eye-00001-1")(true); share != (functions.Share{}) {
			t.Errorf("a place in an instance that is gone: %+v", share)
		}
	})
}
