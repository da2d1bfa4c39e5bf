package watch

import (
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

func TestReadyEndpoints(t *testing.T) {
	revision := types.NamespacedName{Namespace: "team", Name: "eye-00001"}
	change := func(s *discoveryv1.EndpointSlice, f func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
		f(s)
		return s
	}
	other := change(sliceOf(revision, 3), func(s *discoveryv1.EndpointSlice) { s.Name = "z" })
	for _, tt := range []struct {
		name   string
		slices []*discoveryv1.EndpointSlice
		want   []endpoint
	}{
		{"none", nil, nil},
		{"two", []*discoveryv1.EndpointSlice{sliceOf(revision, 1, 2)}, []endpoint{{"pod-1", "10.0.0.1:8012"}, {"pod-2", "10.0.0.2:8012"}}},
		{"one that is not ready", []*discoveryv1.EndpointSlice{change(sliceOf(revision, 1, 2), func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Conditions.Ready = new(false)
		})}, []endpoint{{"pod-2", "10.0.0.2:8012"}}},
		{"one of which nothing is said", []*discoveryv1.EndpointSlice{change(sliceOf(revision, 1), func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Conditions.Ready = nil
		})}, []endpoint{{"pod-1", "10.0.0.1:8012"}}},
		{"one that ends", []*discoveryv1.EndpointSlice{change(sliceOf(revision, 1, 2), func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[1].Conditions.Terminating = new(true)
		})}, []endpoint{{"pod-1", "10.0.0.1:8012"}}},
		{"a pod in two slices counts once", []*discoveryv1.EndpointSlice{sliceOf(revision, 1), change(sliceOf(revision, 1), func(s *discoveryv1.EndpointSlice) {
			s.Name, s.Endpoints[0].Addresses = "z", []string{"fd00::1"}
		})}, []endpoint{{"pod-1", "10.0.0.1:8012"}}},
		{"an IPv6 address, ports without a name", []*discoveryv1.EndpointSlice{change(sliceOf(revision, 1), func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Addresses, s.Ports = []string{"fd00::1"}, nil
		})}, []endpoint{{"pod-1", "[fd00::1]:8012"}}},
		{"several slices", []*discoveryv1.EndpointSlice{other, sliceOf(revision, 1)}, []endpoint{{"pod-1", "10.0.0.1:8012"}, {"pod-3", "10.0.0.3:8012"}}},
	} {
		if diff := cmp.Diff(tt.want, readyEndpoints(tt.slices), cmp.AllowUnexported(endpoint{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAtZeroOneRequestGoesToTheActivatorAndTheOthersWaitForThePod(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		revision := w.deploy("team", "eye")
		first, a := w.enter(revision.Name)
		second, b := w.enter(revision.Name)
		activator := got(a)
		if activator == nil || activator.Address != "eye-00001.team.svc.cluster.test:80" || !activator.Cold {
			w.Fatalf("the first request got %+v", activator)
		}
		if want := map[string]string{revisionHeader: "eye-00001", namespaceHeader: "team"}; !cmp.Equal(want, activator.Header) {
			w.Errorf("the activator is told %v", activator.Header)
		}
		if l := got(b); l != nil {
			w.Fatalf("the second request got %s", l.Name)
		}
		time.Sleep(time.Second)
		w.pods(revision, 1)
		if l := got(b); l != nil {
			w.Fatalf("the second got %s while the pod works on the first", l.Name)
		}
		activator.Release()
		first.Leave()
		pod := got(b)
		if pod == nil || pod.Address != "10.0.0.1:8012" || pod.Cold {
			w.Fatalf("the second request got %+v", pod)
		}
		var answer functions.Answer
		pod.Account(&answer)
		if !answer.Cold || answer.Start.Load != functions.Millis(300*time.Millisecond) {
			w.Errorf("the answer tells of a start %v, cold %v", answer.Start, answer.Cold)
		}
		pod.Release()
		second.Leave()
		if len(w.told.starts) != 1 {
			w.Errorf("%d starts were told", len(w.told.starts))
		}
		why, known := w.platform.Decisions("eye")
		if !known || len(why) == 0 || why[0].To != 1 {
			w.Errorf("decisions %v", why)
		}
	})
}

func TestAWarmRequestGoesStraightToThePodWithTheFewest(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		revision := w.deploy("team", "eye")
		w.pods(revision, 1, 2)
		seen := map[string]int{}
		var leases []*coldstart.Lease
		for range 2 {
			_, granted := w.enter(revision.Name)
			l := got(granted)
			seen[l.Address]++
			leases = append(leases, l)
		}
		if diff := cmp.Diff(map[string]int{"10.0.0.1:8012": 1, "10.0.0.2:8012": 1}, seen); diff != "" {
			w.Error(diff)
		}
		w.pods(revision, 2) // the first ends, its request goes on
		leases[1].Release()
		_, granted := w.enter(revision.Name)
		if l := got(granted); l == nil || l.Address != leases[1].Address && l.Address != "10.0.0.2:8012" {
			w.Errorf("the next request got %+v", l)
		}
	})
}

func TestALostPodIsNotOfferedAgainUntilItAnswers(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) {
		revision := w.deploy("team", "eye")
		w.pods(revision, 1)
		ticket, granted := w.enter(revision.Name)
		pod := got(granted)
		w.asked.silence(pod.Address, true)
		pod.Lost(coldstart.Unreached)
		pod.Release()
		if !ticket.MayRetry(w.Context(), pod) {
			w.Fatal("the request may not be sent again")
		}
		again := make(chan *coldstart.Lease, 1)
		go func() { l, _ := ticket.Wait(w.Context()); again <- l }()
		time.Sleep(time.Second)
		if l := got(again); l != nil {
			w.Fatalf("it was sent to %s", l.Name)
		}
		w.asked.silence(pod.Address, false)
		time.Sleep(lastAsk)
		back := got(again)
		if back == nil || back.Address != pod.Address || back.Name == pod.Name {
			w.Fatalf("it got %+v", back)
		}
	})
}

func TestWhileThePodsFateIsUnknownTheActivatorIsAskedInTheEnd(t *testing.T) {
	inWorld(t, Options{Namespace: "team"}, func(w *world) { // as while the API server is away
		revision := w.deploy("team", "eye")
		w.pods(revision, 1)
		ticket, granted := w.enter(revision.Name)
		pod := got(granted)
		w.asked.silence(pod.Address, true)
		pod.Lost(coldstart.Broken)
		pod.Release()
		if !ticket.MayRetry(w.Context(), pod) {
			w.Fatal("the request may not be sent again")
		}
		again := make(chan *coldstart.Lease, 1)
		go func() { l, _ := ticket.Wait(w.Context()); again <- l }()
		time.Sleep(presumed + 2*lastAsk)
		l := got(again)
		if l == nil || !strings.Contains(l.Name, "activator") {
			w.Fatalf("it got %+v", l)
		}
		// The activator restarts: the request is sent once more, and once more.
		for range 3 {
			l.Lost(coldstart.Unreached)
			l.Release()
			if !ticket.MayRetry(w.Context(), l) {
				w.Fatal("the request may not be sent again")
			}
			go func() { l, _ := ticket.Wait(w.Context()); again <- l }()
			time.Sleep(lastClosed)
			if l = got(again); l == nil {
				w.Fatal("the activator is not asked again")
			}
		}
	})
}

func TestThroughTheServicesAddress(t *testing.T) {
	inWorld(t, Options{Namespace: "team", Way: ByService}, func(w *world) {
		revision := w.deploy("team", "eye")
		_, granted := w.enter(revision.Name)
		l := got(granted)
		if l == nil || l.Host != "eye.team.svc.cluster.test" || l.Header != nil {
			w.Fatalf("the request got %+v", l)
		}
		if _, more := w.enter(revision.Name); got(more) != nil {
			w.Error("two requests for one wanted pod")
		}
		l.Release()
		w.addRevision(revisionOf("team", "eye", "eye-00002"))
		w.setService(serviceOn("team", "eye", share("eye-00001", 90), share("eye-00002", 10), tag("canary", "eye-00002")))
		w.settle()
		for name, host := range map[string]string{"eye-00001": "eye-00001.team.svc.cluster.test", "eye-00002": "canary-eye.team.svc.cluster.test"} {
			w.pods(types.NamespacedName{Namespace: "team", Name: name}, 1, 2, 3)
			_, granted := w.enter(name)
			if l := got(granted); l == nil || l.Host != host {
				w.Errorf("%s is reached by %+v", name, l)
			}
		}
	})
}

func TestPodsThatWereThereBeforeTheGatewayAreServedAndNoStartsOfIts(t *testing.T) {
	revision := types.NamespacedName{Namespace: "team", Name: "eye-00001"}
	there := []runtime.Object{sliceOf(revision, 1)}
	functionsThere := []runtime.Object{revisionOf("team", "eye", revision.Name), serviceOn("team", "eye", share(revision.Name, 100))}
	inWorldWith(t, Options{Namespace: "team"}, there, functionsThere, func(w *world) {
		if !w.platform.Synced() {
			w.Fatal("the platform does not know its functions")
		}
		_, granted := w.enter(revision.Name)
		if l := got(granted); l == nil || l.Address != "10.0.0.1:8012" {
			w.Errorf("the request got %+v", l)
		}
		w.settle()
		if len(w.told.starts) != 0 {
			w.Errorf("%d starts were told", len(w.told.starts))
		}
	})
}

func TestAnEmptyClusterIsKnownToBeEmpty(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if !w.platform.Synced() || len(w.platform.Functions()) != 0 {
			w.Errorf("synced %v, functions %v", w.platform.Synced(), w.platform.Functions())
		}
	})
}
