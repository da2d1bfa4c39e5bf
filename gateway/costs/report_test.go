package costs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// aLedger has two functions, one of which had two sizes, and three callers.
func aLedger() (*Ledger, *platform) {
	p := &platform{usage: []functions.Usage{
		{Function: "ear", Held: small, Starting: 2 * second, Failed: 2 * second},
		{Function: "eye", Held: small, Busy: 3 * second, Idle: 4 * second, Starting: 2 * second, Frozen: 10 * second, Starts: 2},
		{Function: "eye", Held: large, Busy: second, Idle: second / 2, Starting: second, Starts: 1},
	}}
	l := New(easy, p, Options{})
	l.Charge("eye", "", functions.Share{Held: small, Busy: second})
	l.Charge("eye", "bob", functions.Share{Held: small, Busy: 2 * second, Start: second})
	l.Charge("eye", "bob", functions.Share{Held: large, Busy: second})
	return l, p
}

const wantReport = `{
  "currency": "EUR",
  "since": "2000-01-01T00:00:00Z",
  "until": "2000-01-01T00:00:00Z",
  "functions": [
    {
      "function": "ear",
      "requests": 0,
      "cold_starts": 0,
      "seconds": {"billed": 0, "idle": 0, "wasted": 2, "failed": 2, "total": 2},
      "cost": {"billed": 0, "idle": 0, "wasted": 14, "request": 0, "total": 14}
    },
    {
      "function": "eye",
      "requests": 3,
      "cold_starts": 3,
      "seconds": {"billed": 4, "idle": 4.5, "frozen": 10, "wasted": 3, "total": 21.5},
      "cost": {"billed": 128, "idle": 81.5, "frozen": 50, "wasted": 121, "request": 1.5, "total": 382}
    }
  ],
  "keys": [
    {
      "key": "",
      "function": "eye",
      "requests": 1,
      "cold_starts": 0,
      "cost": {"currency": "EUR", "total": 7.5, "serving": 7, "cold_start": 0, "request": 0.5, "serving_seconds": 1, "cold_start_seconds": 0}
    },
    {
      "key": "bob",
      "function": "eye",
      "requests": 2,
      "cold_starts": 1,
      "cost": {"currency": "EUR", "total": 129, "serving": 121, "cold_start": 7, "request": 1, "serving_seconds": 3, "cold_start_seconds": 1}
    }
  ]
}`

func TestReportAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := aLedger()
		text, err := json.Marshal(l.Report(Query{}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact(t, wantReport), string(text)); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
		var back functions.CostReport
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l.Report(Query{}), back); diff != "" {
			t.Errorf("there and back (-want +got):\n%s", diff)
		}
	})
}

// compact keeps the order of the members.
func compact(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(line), `": `, `":`), `, "`, `,"`))
	}
	return b.String()
}

func TestAReportIsNarrowed(t *testing.T) {
	l, _ := aLedger()
	names := func(r functions.CostReport) string {
		var all []string
		for _, f := range r.Functions {
			all = append(all, f.Function)
		}
		for _, k := range r.Keys {
			all = append(all, k.Key+"@"+k.Function)
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct {
		name  string
		query Query
		want  string
	}{
		{"to nothing", Query{}, "ear eye @eye bob@eye"},
		{"to a function", Query{Function: "ear"}, "ear"},
		{"to a function that is not there", Query{Function: "nose"}, ""},
		{"to a caller", Query{Key: new("bob")}, "bob@eye"},
		{"to those without a name", Query{Key: new("")}, "@eye"},
		{"to a caller and a function", Query{Function: "ear", Key: new("bob")}, ""},
	} {
		r := l.Report(tt.query)
		if got := names(r); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if r.Keys == nil {
			t.Errorf("%s: keys are null rather than none", tt.name)
		}
	}
}

// Each minute an instance lives a minute and one request takes a second of it.
func TestAReportBeginsWhereItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{}
		l := New(easy, p, Options{})
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { l.Run(ctx) })
		const minutes = 9 * 24 * 60
		time.Sleep(30 * second)
		for n := range minutes {
			lived := time.Duration(n+1) * time.Minute
			p.uses(functions.Usage{Function: "eye", Held: small, Busy: lived / 60, Idle: lived - lived/60})
			l.Charge("eye", "ann", functions.Share{Held: small, Busy: second})
			time.Sleep(time.Minute)
		}
		now := time.Now()
		for _, tt := range []struct {
			name  string
			since time.Time
			// latest and earliest bound where the report really begins.
			earliest, latest time.Duration
		}{
			{"half an hour ago, to the minute", now.Add(-30 * time.Minute), 30 * time.Minute, 31 * time.Minute},
			{"at this very moment", now, 0, time.Minute},
			{"a day ago, to the hour", now.Add(-24 * time.Hour), 24 * time.Hour, 25*time.Hour + time.Minute},
			{"longer ago than is kept: a week", now.Add(-8 * 24 * time.Hour), 7*24*time.Hour - time.Hour - time.Minute, 7*24*time.Hour + time.Minute},
			{"before the beginning", began.Add(-time.Hour), now.Sub(began), now.Sub(began)},
			{"not said", time.Time{}, now.Sub(began), now.Sub(began)},
		} {
			r := l.Report(Query{Since: tt.since})
			ago := now.Sub(r.Since)
			if ago < tt.earliest || ago > tt.latest {
				t.Errorf("%s: the report begins %v ago", tt.name, ago)
			}
			requests := int64(ago / time.Minute)
			if r.Functions[0].Requests != requests || len(r.Keys) > 0 && r.Keys[0].Requests != requests {
				t.Errorf("%s: %d requests, %+v, want %d", tt.name, r.Functions[0].Requests, r.Keys, requests)
			}
			if lived := functions.Seconds(time.Duration(requests) * time.Minute); r.Functions[0].Seconds.Total != lived {
				t.Errorf("%s: %v lived, want %v", tt.name, r.Functions[0].Seconds.Total.Seconds(), lived.Seconds())
			}
		}
		if n := len(l.pages.all); n > 232 {
			t.Errorf("%d readings of the past are kept", n)
		}
		cancel()
		group.Wait()
	})
}

func TestTheMetricsAreTheReports(t *testing.T) {
	l, p := aLedger()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(l)
	gathered := func() map[string]float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				var labels []string
				for _, label := range m.GetLabel() {
					labels = append(labels, label.GetValue())
				}
				got[family.GetName()+" "+strings.Join(labels, " ")] = m.GetCounter().GetValue()
			}
		}
		return got
	}
	got := gathered()
	want := map[string]float64{}
	for _, f := range l.Report(Query{}).Functions {
		s, m := f.Seconds, f.Cost
		for part, seconds := range map[string]functions.Seconds{"billed": s.Billed, "idle": s.Idle, "frozen": s.Frozen, "wasted": s.Wasted} {
			want[fmt.Sprintf("saccade_instance_seconds_total %s %s", f.Function, part)] = seconds.Seconds()
		}
		for part, money := range map[string]functions.Money{"billed": m.Billed, "idle": m.Idle, "frozen": m.Frozen, "wasted": m.Wasted, "request": m.Request} {
			want[fmt.Sprintf("saccade_cost_total %s %s", f.Function, part)] = float64(money)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 18 {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	p.uses(append(slices.Clone(p.usage), functions.Usage{Function: "eye", Held: functions.Held{CPU: 1}, Busy: second})...)
	more := gathered()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if more[name] < got[name] {
			t.Errorf("%s went from %v to %v", name, got[name], more[name])
		}
	}
	if d := more["saccade_cost_total eye billed"] - got["saccade_cost_total eye billed"]; d != 1 {
		t.Errorf("a second of a core costs %v", d)
	}
}
