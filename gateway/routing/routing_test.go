package routing

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func revision(function, name string) functions.Revision {
	return functions.Revision{Name: name, Function: functions.Function{Metadata: functions.Metadata{Name: function}}}
}

func TestTheNewestRevisionAnswersForItsFunction(t *testing.T) {
	var table Table
	_, err := table.Route("eye")
	if functions.KindOf(err) != functions.NotFound {
		t.Errorf("an empty table: %v", err)
	}
	table.Set(revision("eye", "eye-00001"))
	table.Set(revision("ear", "ear-00001"))
	table.Set(revision("eye", "eye-00002"))
	if r, err := table.Route("eye"); err != nil || r.Name != "eye-00002" {
		t.Errorf("eye goes to %s, %v", r.Name, err)
	}
	_, err = table.Route("nose")
	if functions.KindOf(err) != functions.NotFound || !strings.Contains(err.Error(), "ear, eye") {
		t.Errorf("an unknown name: %v, want the known ones named", err)
	}
	_, err = table.Route(strings.Repeat("x", 10_000))
	if len(err.Error()) > 500 {
		t.Errorf("a long name is repeated at length: %d bytes", len(err.Error()))
	}
	table.Remove("eye")
	if _, err := table.Route("eye"); err == nil {
		t.Error("a removed function is routed to")
	}
}

func TestTwoRevisionsShareByWeight(t *testing.T) {
	var table Table
	count := func(requests int) (next int) {
		for range requests {
			r, err := table.Route("eye")
			if err != nil {
				t.Fatal(err)
			}
			if r.Name == "eye-00002" {
				next++
			}
		}
		return next
	}
	for _, percent := range []float64{0, 0.5, 1, 10, 33.3, 50, 99, 100} {
		table.Split(revision("eye", "eye-00001"), revision("eye", "eye-00002"), percent)
		for range 20 { // any stretch of requests, not only all of them
			const requests = 1000
			want := requests * percent / 100
			if got := float64(count(requests)); got < want-4 || got > want+4 {
				t.Errorf("at %v %%: %v of %d requests go to the new one, want %v", percent, got, requests, want)
			}
		}
	}
	table.Set(revision("eye", "eye-00003"))
	if r, _ := table.Route("eye"); r.Name != "eye-00003" || count(100) != 0 {
		t.Errorf("the weights outlive the next revision: %s", r.Name)
	}
}

func TestRequestsAreSharedFromManyGoroutines(t *testing.T) {
	var table Table
	table.Split(revision("eye", "eye-00001"), revision("eye", "eye-00002"), 25)
	var group sync.WaitGroup
	var next atomic.Int64
	for range 8 {
		group.Go(func() {
			for range 1000 {
				if r, err := table.Route("eye"); err == nil && r.Name == "eye-00002" {
					next.Add(1)
				}
			}
		})
	}
	group.Wait()
	if got := next.Load(); got < 1990 || got > 2010 {
		t.Errorf("%d of 8000 go to the new one, want 2000", got)
	}
}
