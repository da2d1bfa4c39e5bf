package local

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func lambda(change func(*functions.Lambda)) functions.Function {
	return function(func(s *functions.Scaling) {
		s.Style = functions.StyleLambda
		if change != nil {
			change(&s.Lambda)
		}
	})
}

// took is how long a request is until its answer.
func (w *world) took(service time.Duration) time.Duration {
	w.Helper()
	began := time.Now()
	if err := w.request(service); err != nil {
		w.Error(err)
	}
	return time.Since(began)
}

func TestEachRequestAtATimeHasAnInstanceOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: 2 * time.Second}, Options{})
		w.deploy(lambda(nil))
		first := w.took(100 * time.Millisecond)
		if first != 2100*time.Millisecond {
			t.Errorf("the first took %v, want its start's 2s and 100ms", first)
		}
		time.Sleep(time.Second)

		t.Log("an idle instance takes the next")
		if took := w.took(100 * time.Millisecond); took != 100*time.Millisecond || w.fakes.launched != 1 {
			t.Errorf("it took %v, of %d instances; want 100ms of the one there is", took, w.fakes.launched)
		}

		t.Log("a busy one does not, though it would be free long before another has started")
		var group sync.WaitGroup
		var took [3]time.Duration
		for n := range took {
			time.Sleep(10 * time.Millisecond)
			group.Go(func() { took[n] = w.took(100 * time.Millisecond) })
		}
		group.Wait()
		want := [3]time.Duration{100 * time.Millisecond, first, first}
		if took != want || w.fakes.launched != 3 {
			t.Errorf("they took %v, of %d instances; want %v and 3", took, w.fakes.launched, want)
		}
	})
}

func TestAnInstanceIsFrozenBetweenRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second, settles: 3 * time.Second}, Options{})
		w.deploy(lambda(nil))
		frozen := func() bool { return w.fakes.any().frozen.Load() }
		state := func(want string) {
			t.Helper()
			if s := w.status(); s.State != want || (s.State == "frozen") != frozen() {
				t.Errorf("%s and %v, want %s", s.State, frozen(), want)
			}
		}
		w.took(100 * time.Millisecond)
		time.Sleep(time.Second)
		state("ready") // it has something to do yet
		time.Sleep(2 * time.Second)
		state("frozen")

		done := make(chan struct{})
		go func() { defer close(done); w.took(time.Second) }()
		time.Sleep(500 * time.Millisecond)
		state("ready")
		<-done
		synctest.Wait()
		state("frozen")

		t.Log("it is thawed to leave, when its keep-alive is over")
		time.Sleep(functions.LambdaDefaultKeepAlive - time.Second)
		state("frozen")
		time.Sleep(4 * time.Second)
		if w.fakes.living() != 0 || w.fakes.deaf != 0 || w.status().State != "zero" {
			t.Errorf("%d live, %d were asked to leave while frozen, state %s", w.fakes.living(), w.fakes.deaf, w.status().State)
		}
		usage := w.platform.Usage()[0]
		if usage.Frozen < functions.LambdaDefaultKeepAlive || usage.Frozen > functions.LambdaDefaultKeepAlive+4*time.Second {
			t.Errorf("frozen for %v, want about the keep-alive", usage.Frozen)
		}
	})
}

func TestTheIdleInstanceUsedLastIsTakenAndTheOthersGoInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{})
		w.deploy(lambda(func(l *functions.Lambda) { l.KeepAlive = functions.Duration(time.Minute) }))
		var group sync.WaitGroup
		for n := range 3 {
			group.Go(func() { w.took(time.Duration(n+1) * time.Second) })
		}
		group.Wait()
		for range 25 { // one at a time keep one of them alive
			time.Sleep(time.Second)
			w.took(time.Second)
		}
		if n := w.fakes.living(); n != 3 {
			t.Errorf("%d instances within the keep-alive, want 3", n)
		}
		time.Sleep(20 * time.Second)
		if n := w.fakes.living(); n != 1 {
			t.Errorf("%d instances a keep-alive after the others' last request, want 1", n)
		}
		if w.took(time.Second) != time.Second {
			t.Error("the one that was used was let go")
		}
	})
}

func TestConcurrencyIsBoundedWithoutAQueue(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*functions.Lambda)
		opts   Options
	}{
		"reserved":              {func(l *functions.Lambda) { l.ReservedConcurrency = 2 }, Options{MaxInstances: 4}},
		"as the machine allows": {nil, Options{MaxInstances: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &fakes{load: time.Second}, test.opts)
				w.deploy(lambda(test.change))
				var group sync.WaitGroup
				for range 2 {
					group.Go(func() { w.took(time.Second) })
				}
				synctest.Wait()
				began := time.Now()
				if err := w.request(time.Second); functions.KindOf(err) != functions.Busy || time.Since(began) != 0 {
					t.Errorf("a third at a time: %v after %v, want busy at once", err, time.Since(began))
				}
				group.Wait()
				if err := w.request(time.Second); err != nil || w.fakes.launched != 2 {
					t.Errorf("when they are over: %v, %d instances", err, w.fakes.launched)
				}
			})
		})
	}
}

func TestProvisionedInstancesAreKeptInitialised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 20 s are more than an instance may take to initialise for a request.
		w := newWorld(t, &fakes{load: 20 * time.Second}, Options{})
		w.deploy(lambda(func(l *functions.Lambda) { l.ProvisionedConcurrency = 2 }))
		time.Sleep(25 * time.Second)
		if s := w.status(); s.Ready != 2 || s.State != "frozen" || w.fakes.launched != 2 {
			t.Errorf("%d ready and %s, %d starts; want 2 frozen of 2", s.Ready, s.State, w.fakes.launched)
		}
		if took := w.took(time.Second); took != time.Second {
			t.Errorf("a request took %v", took)
		}
		time.Sleep(time.Hour)
		if n := w.fakes.living(); n != 2 {
			t.Errorf("%d are left after an hour, want 2", n)
		}
	})
}

func TestAStartThatTakesTooLongIsBegunAgainOnce(t *testing.T) {
	hang := &ending{text: "hangs"}
	t.Run("and may then take the function's timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &fakes{load: 15 * time.Second}, Options{})
			w.deploy(lambda(nil))
			if took := w.took(time.Second); took != 26*time.Second || w.fakes.launched != 2 {
				t.Errorf("it took %v and %d starts; want 10s in vain, 15s and the request's 1s", took, w.fakes.launched)
			}
		})
	})
	t.Run("and no more than that", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &fakes{next: []*ending{hang, hang, hang}}, Options{})
			f := lambda(nil)
			f.Spec.Scaling.Timeout = functions.Duration(30 * time.Second)
			w.deploy(f)
			began := time.Now()
			if err := w.request(time.Second); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
				t.Errorf("after %v: %v, want the request's end after its 30s", time.Since(began), err)
			}
			time.Sleep(11 * time.Second) // 10 and 30 in all
			if s := w.status(); s.Error == "" || w.fakes.launched != 2 || w.fakes.living() != 0 {
				t.Errorf("%q after %d starts, %d live", s.Error, w.fakes.launched, w.fakes.living())
			}
		})
	})
}

func TestANewVersionGetsItsWeightAndTheOneBeforeTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{})
		shares := func() map[string]int {
			got := map[string]int{}
			for range 100 {
				rev, err := w.routes.Route("eye")
				if err != nil {
					t.Fatal(err)
				}
				got[rev.Name]++
			}
			return got
		}
		quarter := lambda(func(l *functions.Lambda) { l.VersionWeight = 25 })
		w.deploy(quarter)
		if got := shares(); got["eye-00001"] != 100 {
			t.Errorf("the only version: %v", got)
		}
		w.deploy(quarter)
		if got := shares(); got["eye-00001"] < 74 || got["eye-00001"] > 76 || got["eye-00001"]+got["eye-00002"] != 100 {
			t.Errorf("two versions: %v, want 75 and 25", got)
		}
		for range 8 {
			w.took(time.Second)
		}
		if n := w.fakes.living(); n != 2 {
			t.Errorf("%d instances, want one of each version", n)
		}

		t.Log("a third takes its share from the second, and the first leaves")
		w.deploy(quarter)
		if got := shares(); got["eye-00001"] != 0 || got["eye-00003"] < 24 || got["eye-00003"] > 26 {
			t.Errorf("three versions: %v, want 75 of the second and 25 of the third", got)
		}
		w.deploy(lambda(nil))
		if got := shares(); got["eye-00004"] != 100 {
			t.Errorf("the fourth takes all: %v", got)
		}
		time.Sleep(10 * time.Minute)
		if n := w.fakes.living(); n != 0 {
			t.Errorf("%d instances after the keep-alive", n)
		}
		w.deploy(lambda(nil))
		names := slices.Collect(func(yield func(string) bool) {
			for name := range w.platform.revisions {
				if !yield(name) {
					return
				}
			}
		})
		if slices.Sort(names); !slices.Equal(names, []string{"eye-00004", "eye-00005"}) {
			t.Errorf("remembered are %v", names)
		}
		w.platform.Remove("eye")
		if n := len(w.platform.revisions); n != 0 {
			t.Errorf("%d revisions of a removed function", n)
		}
	})
}
