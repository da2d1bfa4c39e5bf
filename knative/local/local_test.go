package local

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestARequestAtZeroWakesAtOnceAndTheFunctionSleepsAfterItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: 2 * time.Second}, Options{})
		w.deploy(function(func(s *functions.Scaling) { s.ContainerConcurrency = 2 }))
		if s := w.status(); s.State != "zero" || s.Ready+s.Starting != 0 {
			t.Fatalf("a new function is %+v, want zero", s)
		}
		began := time.Now()
		if err := w.request(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 2100*time.Millisecond {
			t.Errorf("the request took %v, want the start's 2s and its own 100ms", took)
		}
		time.Sleep(10 * time.Second)
		if s := w.status(); s.State != "ready" || s.Ready != 1 || s.LastColdStart == nil {
			t.Errorf("after a request: %+v, want one ready instance", s)
		}
		time.Sleep(functions.DefaultWindow)
		if s := w.status(); s.State != "zero" || w.fakes.living() != 0 {
			t.Errorf("after an idle window: %+v with %d processes, want zero", s, w.fakes.living())
		}
	})
}

func TestLoadScalesOutWithinBoundsAndBackToZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{MaxInstances: 3})
		w.deploy(function(nil))
		var group sync.WaitGroup
		for range 40 {
			group.Go(func() {
				if err := w.request(time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if w.fakes.peak != 3 {
			t.Errorf("%d instances at the peak, want the bound of 3", w.fakes.peak)
		}
		time.Sleep(3 * functions.DefaultWindow)
		if n := w.fakes.living(); n != 0 {
			t.Errorf("%d instances after the load, want none", n)
		}
	})
}

// A burst that waits for a slow start is no reason for many starts.
func TestTheStartupAwarePolicyCountsLoadingInstancesAsCapacity(t *testing.T) {
	peak := func(autoscaler string) (launched int) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &fakes{load: 10 * time.Second}, Options{MaxInstances: 100})
			w.deploy(function(func(s *functions.Scaling) { s.Autoscaler = autoscaler }))
			for range 2 { // the first wake is the measurement
				var group sync.WaitGroup
				for n := range 300 { // 5 requests a second for a minute, 20 ms each
					group.Go(func() {
						time.Sleep(time.Duration(n) * 200 * time.Millisecond)
						if err := w.request(20 * time.Millisecond); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
				time.Sleep(10 * functions.DefaultWindow)
			}
			if n := w.fakes.living(); n != 0 {
				t.Errorf("%s: %d instances after the load, want none", autoscaler, n)
			}
			launched = w.fakes.peak
		})
		return launched
	}
	aware, kpa := peak(functions.AutoscalerStartupAware), peak(functions.AutoscalerKPA)
	if aware > 3 || aware > kpa {
		t.Errorf("at the peak %d instances, and %d with the KPA; want 3 at most, and no more than the KPA's", aware, kpa)
	}
	t.Logf("instances at the peak: startup-aware %d, kpa %d", aware, kpa)
}

func TestMinScaleIsKeptAndMaxScaleNotExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{MaxInstances: 8})
		w.deploy(function(func(s *functions.Scaling) { s.MinScale, s.MaxScale = 1, 2 }))
		time.Sleep(2 * time.Second)
		if s := w.status(); s.Ready != 1 {
			t.Errorf("%d ready before any request, want 1", s.Ready)
		}
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() { _ = w.request(time.Second) })
		}
		group.Wait()
		time.Sleep(10 * functions.DefaultWindow)
		if w.fakes.peak != 2 || w.fakes.living() != 1 {
			t.Errorf("peak %d and %d left, want 2 and 1", w.fakes.peak, w.fakes.living())
		}
	})
}

func TestAnInstanceThatDiesIsReplacedAndItsRequestsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{})
		w.deploy(function(nil))
		done := make(chan error, 1)
		go func() { done <- w.request(20 * time.Second) }()
		time.Sleep(3 * time.Second)
		w.fakes.any().kill()
		if err := <-done; err != nil {
			t.Errorf("the request was lost: %v", err)
		}
		if w.fakes.launched < 2 {
			t.Error("no instance replaced the one that died")
		}
	})
}

func TestAFailingStartIsTriedAgainThenToldToThoseWhoWait(t *testing.T) {
	crash := &ending{text: "exit status 2; it last said: no such library"}
	t.Run("two failures are not told", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &fakes{load: time.Second, next: []*ending{crash, crash}}, Options{})
			w.deploy(function(nil))
			if err := w.request(5 * time.Second); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("the third is, at once, with a time to come back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &fakes{load: time.Second, next: []*ending{crash, crash, crash}}, Options{})
			w.deploy(function(nil))
			began := time.Now()
			err := w.request(5 * time.Second)
			e, ok := errors.AsType[*functions.Error](err)
			if !ok || e.Kind != functions.Unavailable || e.RetryAfter == 0 {
				t.Fatalf("err = %v, want unavailable", err)
			}
			if !strings.Contains(e.Error(), "no such library") || strings.Contains(e.Detail, "no such library") {
				t.Errorf("the log must have the last words and the caller must not: %q, %q", e.Error(), e.Detail)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it hung for %v", took)
			}
			if _, err := w.room.Enter("eye-00001"); err == nil {
				t.Error("a request right after was let in")
			}
			time.Sleep(e.RetryAfter + time.Second)
			if err := w.request(time.Second); err != nil {
				t.Errorf("after the time to come back: %v", err)
			}
		})
	})
	t.Run("a permanent one at the first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			bad := &ending{permanent: true, text: "exit status 3"}
			w := newWorld(t, &fakes{load: time.Second, next: []*ending{bad}}, Options{})
			w.deploy(function(nil))
			if err := w.request(5 * time.Second); functions.KindOf(err) != functions.Unavailable {
				t.Errorf("err = %v, want unavailable", err)
			}
			if w.fakes.launched != 1 {
				t.Errorf("%d starts, want 1", w.fakes.launched)
			}
		})
	})
	t.Run("one that hangs when its time is up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hang := &ending{text: "hangs"}
			w := newWorld(t, &fakes{next: []*ending{hang, hang, hang}}, Options{})
			w.deploy(function(func(s *functions.Scaling) { s.StartTimeout = functions.Duration(4 * time.Second) }))
			began := time.Now()
			err := w.request(time.Hour)
			if functions.KindOf(err) != functions.ColdStartTimeout || time.Since(began) > 5*time.Second {
				t.Errorf("after %v: %v, want a cold start timeout after 4s", time.Since(began), err)
			}
		})
	})
}

func TestAModelThatCannotBeHadIsToldToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{}, Options{})
		reason := functions.Errorf(functions.Unavailable, "the model's server answered 404")
		pulls := 0
		err := w.platform.Deploy(t.Context(), Deployment{Function: function(nil), Pull: func(context.Context) (Model, error) {
			if pulls++; pulls == 1 {
				return Model{}, reason
			}
			return pulled(t.Context())
		}})
		if err != nil {
			t.Fatal(err)
		}
		err = w.request(time.Second)
		if e, ok := errors.AsType[*functions.Error](err); !ok || e.Detail != reason.Detail {
			t.Fatalf("err = %v, want the store's own reason", err)
		}
		if s := w.status(); s.Error != reason.Detail {
			t.Errorf("status says %q", s.Error)
		}
		time.Sleep(time.Minute)
		if err := w.request(time.Second); err != nil {
			t.Errorf("when the model can be had again: %v", err)
		}
		if s := w.status(); s.Error != "" {
			t.Errorf("status still says %q", s.Error)
		}
	})
}

func TestANewRevisionReplacesTheOldOnlyWhenItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := &fakes{load: time.Second}
		w := newWorld(t, fs, Options{})
		w.deploy(function(nil))
		if err := w.request(time.Second); err != nil {
			t.Fatal(err)
		}

		t.Log("a bad one leaves the old one serving")
		bad := functions.Errorf(functions.Unavailable, "the file is no ONNX model")
		err := w.platform.Deploy(t.Context(), Deployment{
			Function: function(nil),
			Pull:     func(context.Context) (Model, error) { return Model{}, bad },
		})
		if !errors.Is(err, error(bad)) && (err == nil || !strings.Contains(err.Error(), bad.Detail)) {
			t.Errorf("deploying a bad one: %v", err)
		}
		if rev, _ := w.routes.Route("eye"); rev.Name != "eye-00001" {
			t.Errorf("requests go to %s, want the old one", rev.Name)
		}
		if s := w.status(); s.Error != bad.Detail || s.Revision != "eye-00001" {
			t.Errorf("status = %+v", s)
		}

		t.Log("a good one takes over, and the old one finishes what it has")
		long := make(chan error, 1)
		go func() { long <- w.request(30 * time.Second) }()
		synctest.Wait()
		w.deploy(function(nil))
		if rev, _ := w.routes.Route("eye"); rev.Name != "eye-00003" {
			t.Errorf("requests go to %s, want eye-00003", rev.Name)
		}
		if err := w.request(time.Second); err != nil {
			t.Error(err)
		}
		if err := <-long; err != nil {
			t.Errorf("a request of the old revision: %v", err)
		}
		time.Sleep(time.Second)
		if n := fs.living(); n != 1 {
			t.Errorf("%d processes, want the new revision's one", n)
		}
		if s := w.status(); s.Error != "" {
			t.Errorf("status still says %q", s.Error)
		}

		t.Log("revisions that answer for nothing are forgotten")
		for range 5 {
			w.deploy(function(nil))
		}
		time.Sleep(time.Minute)
		if n := len(w.platform.revisions); n != 2 {
			t.Errorf("%d revisions are remembered, want the current one and the one before", n)
		}
	})
}

func TestARemovedFunctionIsUnknownAndItsInstancesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{}, Options{})
		w.deploy(function(nil))
		if err := w.request(time.Second); err != nil {
			t.Fatal(err)
		}
		busy, waiting := make(chan error, 1), make(chan error, 1)
		go func() { busy <- w.request(5 * time.Second) }()
		synctest.Wait()
		go func() { waiting <- w.request(5 * time.Second) }()
		synctest.Wait()
		w.platform.Remove("eye")
		if err := w.request(time.Second); functions.KindOf(err) != functions.NotFound {
			t.Errorf("err = %v, want not found", err)
		}
		if err := <-waiting; functions.KindOf(err) != functions.NotFound {
			t.Errorf("a request that waited: %v, want not found", err)
		}
		if err := <-busy; err != nil {
			t.Errorf("a request that was with an instance: %v", err)
		}
		time.Sleep(time.Second)
		if n := w.fakes.living(); n != 0 {
			t.Errorf("%d processes left", n)
		}
	})
}

func TestInstancesKilledAtRandomLoseNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: 300 * time.Millisecond}, Options{MaxInstances: 2})
		w.deploy(function(nil))
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(1300 * time.Millisecond):
					if f := w.fakes.any(); f != nil {
						f.kill()
					}
				}
			}
		}()
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				for range 20 {
					if err := w.request(100 * time.Millisecond); err != nil {
						t.Errorf("lost: %v", err)
					}
				}
			})
		}
		group.Wait()
		close(stop)
		if w.fakes.launched < 5 {
			t.Errorf("only %d starts: nothing was killed", w.fakes.launched)
		}
	})
}
