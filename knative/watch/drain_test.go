package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/gateway/coldstart"
)

// detect is a request as the gateway has it: routed, let in, waiting, and routed anew where
// its hold is over. The result comes when it is let go, and it leaves with the test.
func (w *world) detect(function string) chan *coldstart.Lease {
	w.Helper()
	revision, err := w.routes.Route(function)
	w.must(err)
	ticket, err := w.room.Enter(revision.Name)
	w.must(err)
	granted := make(chan *coldstart.Lease, 1)
	go func() {
		lease, err := ticket.Wait(w.Context())
		for errors.Is(err, coldstart.ErrMoved) {
			ticket.Leave()
			if revision, err = w.routes.Route(function); err == nil {
				ticket = ticket.Again(revision.Name)
				lease, err = ticket.Wait(w.Context())
			}
		}
		if err == nil {
			granted <- lease
			<-w.Context().Done()
		}
		ticket.Leave()
	}()
	return granted
}

// drains is a Service whose requests are held, and were said to be by that text; "" where
// nobody renews it.
func drains(svc *servingv1.Service, renewed string) *servingv1.Service {
	svc.Annotations[DrainAnnotation] = "true"
	if renewed != "" {
		svc.Annotations[RenewedAnnotation] = renewed
	}
	return svc
}

func TestHeldRequestsGoToWhoeverHasThemAfterTheHold(t *testing.T) {
	old := types.NamespacedName{Namespace: "team", Name: "eye-00001"}
	newer := types.NamespacedName{Namespace: "team", Name: "eye-00002"}
	for _, tt := range []struct {
		name string
		end  func(w *world)
		want string // the instance
	}{
		{"the new revision, which has the card", func(w *world) {
			w.pods(newer, 2)
			w.setService(drains(serviceOn("team", "eye", share(newer.Name, 100)), "3"))
			w.settle()
			w.setService(serviceOn("team", "eye", share(newer.Name, 100)))
		}, "eye-00002/pod-2"},
		{"the new revision, and split and hold change at one moment", func(w *world) {
			w.pods(newer, 2)
			w.setService(serviceOn("team", "eye", share(newer.Name, 100)))
		}, "eye-00002/pod-2"},
		{"the old one, which is at zero", func(w *world) {
			w.setService(serviceOn("team", "eye", share(old.Name, 100)))
		}, "eye-00001/activator"},
		{"the old one, which has its pod still", func(w *world) {
			w.pods(old, 1)
			w.setService(serviceOn("team", "eye", share(old.Name, 100)))
		}, "eye-00001/pod-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				w.deploy("team", "eye")
				w.pods(old, 1)
				w.addRevision(revisionOf("team", "eye", newer.Name))
				inside := got(w.detect("eye"))
				before := w.detect("eye") // it waits for the one inside
				w.setService(drains(serviceOn("team", "eye", share(old.Name, 100)), "1"))
				w.settle()
				during := w.detect("eye")
				inside.Release()
				w.pods(old)
				w.setService(drains(serviceOn("team", "eye", share(old.Name, 100)), "2"))
				time.Sleep(time.Minute)
				if l := got(before); l != nil {
					w.Fatalf("%s got a request that came before the hold", l.Name)
				}
				if l := got(during); l != nil {
					w.Fatalf("%s got a request during the hold", l.Name)
				}
				s := w.platform.Functions()[0]
				if s.State != "draining" || s.Waiting != 3 /* the one inside has not left */ || s.Error != "" {
					w.Errorf("status %+v", s)
				}
				tt.end(w)
				w.settle()
				goes := func(l *coldstart.Lease) {
					if !strings.HasPrefix(l.Name, tt.want) {
						w.Errorf("a request goes to %s, want %s", l.Name, tt.want)
					}
					l.Release()
				}
				for range 2 { // one place, and whoever is there first
					synctest.Wait()
					select {
					case l := <-before:
						goes(l)
					case l := <-during:
						goes(l)
					default:
						w.Fatal("a request waits still")
					}
				}
				if strings.HasPrefix(tt.want, old.Name) {
					return
				}
				r := w.platform.revision(old.Name)
				r.mu.Lock()
				defer r.mu.Unlock()
				if r.present != 1 || w.room.Leases(r.Name, r.gateName()) != 0 {
					w.Errorf("the old revision has %d requests, and is woken by them", r.present)
				}
			})
		})
	}
}

func TestAHoldEndsByItselfWhereNobodyRenewsIt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		renewed func(second int) string
		held    time.Duration
	}{
		{"nobody renews it", func(int) string { return "1" }, drainLease},
		{"it is renewed for five minutes", func(second int) string { return fmt.Sprint(min(second, 300) / 20) }, 5*time.Minute + drainLease},
		{"by hand", func(int) string { return "" }, longestDrain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Options{Namespace: "team"}, func(w *world) {
				revision := w.deploy("team", "eye")
				w.pods(revision, 1)
				var held time.Duration
				began := time.Now()
				for second := 0; held == 0 && second < 3600; second++ {
					w.setService(drains(serviceOn("team", "eye", share(revision.Name, 100)), tt.renewed(second)))
					time.Sleep(time.Second)
					if w.platform.Functions()[0].State != "draining" {
						held = time.Since(began)
					}
				}
				if held < tt.held || held > tt.held+5*time.Second {
					w.Fatalf("requests were held for %v, want %v", held, tt.held)
				}
				if l := got(w.detect("eye")); l == nil {
					w.Error("after it a request waits still")
				}
				if s := w.platform.Functions()[0]; !strings.Contains(s.Error, DrainAnnotation) {
					w.Errorf("the status does not say that the hold was forsaken: %+v", s)
				}
				w.setService(drains(serviceOn("team", "eye", share(revision.Name, 100)), "and again"))
				w.settle()
				if s := w.platform.Functions()[0]; s.State != "draining" || s.Error != "" {
					w.Errorf("one who comes back cannot hold them: %+v", s)
				}
			})
		})
	}
}

// Nobody is let to a revision that may be about to go by a gateway that has just begun.
func TestAGatewayThatBeginsInTheMiddleOfAHold(t *testing.T) {
	revision := types.NamespacedName{Namespace: "team", Name: "eye-00001"}
	svc := drains(serviceOn("team", "eye", share(revision.Name, 100)), "1")
	inWorldWith(t, Options{Namespace: "team"}, []runtime.Object{sliceOf(revision, 1)},
		[]runtime.Object{revisionOf("team", "eye", revision.Name), svc}, func(w *world) {
			waiting := w.detect("eye")
			if l := got(waiting); l != nil {
				w.Fatalf("%s got a request", l.Name)
			}
			w.setService(serviceOn("team", "eye", share(revision.Name, 100)))
			w.settle()
			if l := got(waiting); l == nil || l.Address != "10.0.0.1:8012" {
				w.Errorf("after the hold it got %+v", l)
			}
		})
}

func TestWhoIsHeldForARevisionThatIsRemovedGoesToTheNext(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		old := w.deploy("team", "eye")
		newer := types.NamespacedName{Namespace: "team", Name: "eye-00002"}
		w.addRevision(revisionOf("team", "eye", newer.Name))
		w.setService(drains(serviceOn("team", "eye", share(old.Name, 100)), "1"))
		w.settle()
		waiting := w.detect("eye")
		w.setService(drains(serviceOn("team", "eye", share(newer.Name, 100)), "1"))
		w.settle()
		w.must(w.knative.Tracker().Delete(servingv1.SchemeGroupVersion.WithResource("revisions"), "team", old.Name))
		w.pods(newer, 2)
		if l := got(waiting); l != nil {
			w.Fatalf("%s got it during the hold", l.Name)
		}
		w.setService(serviceOn("team", "eye", share(newer.Name, 100)))
		w.settle()
		if l := got(waiting); l == nil || l.Address != "10.0.0.2:8012" {
			w.Errorf("it got %+v", l)
		}
	})
}
