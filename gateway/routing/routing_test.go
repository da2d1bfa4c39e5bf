package routing

import (
	"fmt"
	"math"
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

func TestAnyNumberOfRevisionsShareByWeight(t *testing.T) {
	for _, tt := range []struct {
		name    string
		weights []float64
	}{
		{"three", []float64{80, 15, 5}},
		{"one that gets nothing", []float64{90, 0, 10}},
		{"five alike", []float64{20, 20, 20, 20, 20}},
		{"weights that sum to something else", []float64{3, 1}},
		{"one alone", []float64{7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var table Table
			var targets []Target
			var sum float64
			for i, weight := range tt.weights {
				targets = append(targets, Target{revision("eye", fmt.Sprint(i)), weight})
				sum += weight
			}
			table.Share("eye", targets, nil)
			for range 20 { // any stretch of requests
				got := map[string]float64{}
				const requests = 1000
				for range requests {
					r, err := table.Route("eye")
					if err != nil {
						t.Fatal(err)
					}
					got[r.Name]++
				}
				for i, weight := range tt.weights {
					if want := requests * weight / sum; math.Abs(got[fmt.Sprint(i)]-want) > 5 {
						t.Errorf("%v of %d requests go to number %d, want %v", got[fmt.Sprint(i)], requests, i, want)
					}
				}
			}
		})
	}
}

func TestATagHasItsOwnAddress(t *testing.T) {
	var table Table
	table.Share("eye", []Target{{revision("eye", "eye-00001"), 100}}, map[string]functions.Revision{
		"canary": revision("eye", "eye-00002"), "old": revision("eye", "eye-00000"),
	})
	table.Share("ear", nil, map[string]functions.Revision{"next": revision("ear", "ear-00001")})
	table.Set(revision("nose", "nose-00001"))
	for _, tt := range []struct {
		asked, want string
		refused     string
	}{
		{asked: "eye", want: "eye-00001"},
		{asked: "eye@canary", want: "eye-00002"},
		{asked: "eye@old", want: "eye-00000"},
		{asked: "eye@new", refused: "canary, old"},
		{asked: "eye@", refused: "canary, old"},
		{asked: "nose@canary", refused: "has no tags"},
		{asked: "ear@next", want: "ear-00001"},
		{asked: "ear", refused: "no revision of ear gets requests"},
		{asked: "mouth@canary", refused: "ear, eye, nose"},
	} {
		r, err := table.Route(tt.asked)
		if r.Name != tt.want || (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s goes to %q, %v", tt.asked, r.Name, err)
		}
	}
	if _, err := table.Route("eye@" + strings.Repeat("x", 10_000)); len(err.Error()) > 500 {
		t.Errorf("a long tag is repeated at length: %d bytes", len(err.Error()))
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
