package local

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestEveryChangeOfWhatIsWantedHasItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := &ending{permanent: true, text: "exit status 3"}
		w := newWorld(t, &fakes{load: time.Second, next: []*ending{nil, nil, nil, nil, crash}}, Options{MaxInstances: 2})
		if _, known := w.platform.Decisions("eye"); known {
			t.Error("decisions of a function that there is not")
		}
		w.deploy(lambda(func(l *functions.Lambda) { l.KeepAlive = functions.Duration(10 * time.Second) }))
		for range 2 {
			go func() { w.took(5 * time.Second) }()
		}
		time.Sleep(3 * time.Second)
		_ = w.request(time.Second) // a third, which the machine has no room for
		time.Sleep(30 * time.Second)
		w.deploy(lambda(nil))
		time.Sleep(10 * time.Minute)
		for range 2 { // the second at once: no instance is there for it
			go func() { _ = w.request(time.Second) }()
		}
		time.Sleep(5 * time.Second)

		decisions, known := w.platform.Decisions("eye")
		var got strings.Builder
		for i, d := range decisions {
			fmt.Fprintf(&got, "%s %d to %d: %s\n", d.Revision, d.From, d.To, d.Reason)
			if i > 0 && d.At.Before(decisions[i-1].At) {
				t.Errorf("%v goes before %v", d, decisions[i-1])
			}
		}
		want := []string{
			"eye-00001 0 to 1: requests at a time: 1, each with an instance of its own",
			"eye-00001 1 to 2: requests at a time: 2, each with an instance of its own",
			"eye-00001 2 to 0: no request for the keep-alive of 10 s",
			"eye-00002 0 to 1: the instance that proved the new version stays for now",
			"eye-00002 1 to 0: no request for the keep-alive of 360 s",
			"eye-00002 0 to 1: requests at a time: 1",
			"no instance comes up: the function's instance ended before it was ready",
		}
		rest := got.String()
		for _, line := range want {
			_, after, found := strings.Cut(rest, line)
			if !found {
				t.Errorf("nowhere in its place: %s\n%s", line, got.String())
			}
			rest = after
		}
		if !known {
			t.Error("the function is not known")
		}
	})
}

func TestADecisionBeyondTheMachineSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &fakes{load: time.Second}, Options{MaxInstances: 2})
		w.deploy(function(nil))
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() { _ = w.request(5 * time.Second) })
		}
		time.Sleep(10 * time.Second)
		defer group.Wait()
		decisions, _ := w.platform.Decisions("eye")
		last := decisions[len(decisions)-1]
		if last.To != 2 || !strings.Contains(last.Reason, "instances, and this machine has room for 2") {
			t.Errorf("%+v", last)
		}
	})
}
