package costs

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestARequestCostsWhatItTookOfItsInstance(t *testing.T) {
	h100 := large
	h100.Device = "H100"
	for _, tt := range []struct {
		name  string
		share functions.Share
		want  functions.Cost
	}{
		{
			"time in a warm instance, and the request",
			functions.Share{Held: small, Busy: 2 * second},
			functions.Cost{Serving: 14, Request: 0.5, Total: 14.5, ServingSeconds: functions.Seconds(2 * second)},
		},
		{
			"and its share of a start",
			functions.Share{Held: small, Busy: second, Start: second / 2},
			functions.Cost{
				Serving: 7, ColdStart: 3.5, Request: 0.5, Total: 11,
				ServingSeconds: functions.Seconds(second), ColdStartSeconds: functions.Seconds(second / 2),
			},
		},
		{
			"a GPU of no known class",
			functions.Share{Held: large, Busy: second},
			functions.Cost{Serving: 107, Request: 0.5, Total: 107.5, ServingSeconds: functions.Seconds(second)},
		},
		{
			"a GPU of a class with a price, in any case",
			functions.Share{Held: h100, Busy: second},
			functions.Cost{Serving: 1007, Request: 0.5, Total: 1007.5, ServingSeconds: functions.Seconds(second)},
		},
		{
			"no time at all",
			functions.Share{},
			functions.Cost{Request: 0.5, Total: 0.5},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Currency = "EUR"
			l := New(easy, &platform{}, Options{})
			if diff := cmp.Diff(tt.want, l.Charge("eye", "ann", tt.share)); diff != "" {
				t.Errorf("cost (-want +got):\n%s", diff)
			}
			keys := l.Report(Query{}).Keys
			if len(keys) != 1 || keys[0].Cost != tt.want || keys[0].Requests != 1 {
				t.Errorf("the account has %+v", keys)
			}
		})
	}
}

func TestABillIsOfAllInstancesOfARequestAndChargedOnce(t *testing.T) {
	p := &platform{shares: []functions.Share{
		{Held: small, Busy: 2 * second}, // lost
		{},                              // gone before it was entered
		{Held: small, Busy: second, Start: 3 * second},
	}}
	l := New(easy, p, Options{})
	bill := l.Open("eye", "ann")
	if bill.Settle() != nil || len(l.Report(Query{}).Keys) != 0 {
		t.Error("a request that was in no instance costs something")
	}
	for i, answered := range []bool{false, false, true} {
		bill.Enter(fmt.Sprint(i))(answered)
	}
	cost := bill.Settle()
	want := functions.Cost{
		Currency: "EUR", Serving: 21, ColdStart: 21, Request: 0.5, Total: 42.5,
		ServingSeconds: functions.Seconds(3 * second), ColdStartSeconds: functions.Seconds(3 * second),
	}
	if diff := cmp.Diff(&want, cost); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	if bill.Settle() != cost {
		t.Error("settling again is another cost")
	}
	keys := []functions.KeyCost{{Key: "ann", Function: "eye", Requests: 1, ColdStarts: 1, Cost: want}}
	if diff := cmp.Diff(keys, l.Report(Query{}).Keys); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bool{false, false, true}, p.answered); diff != "" || strings.Join(p.entered, "") != "012" {
		t.Errorf("the platform was told %v of %v", p.answered, p.entered)
	}
}

func TestWithoutALedgerNothingCosts(t *testing.T) {
	var l *Ledger
	bill := l.Open("eye", "ann")
	bill.Enter("a")(true)
	if cost := bill.Settle(); cost != nil {
		t.Errorf("%+v", cost)
	}
}

func TestTheNumberOfAccountsIsBounded(t *testing.T) {
	l := New(easy, &platform{}, Options{MaxAccounts: 3})
	long := strings.Repeat("k", maxKeyBytes+1)
	for _, key := range []string{"", "a", "b", "c", "d", "a", long, long[1:]} {
		l.Charge("eye", key, functions.Share{Held: small, Busy: second})
	}
	l.Charge("ear", "a", functions.Share{Held: small, Busy: second})
	got := map[string]int64{}
	for _, k := range l.Report(Query{}).Keys {
		got[k.Key+" "+k.Function] = k.Requests
	}
	want := map[string]int64{" eye": 1, "a eye": 2, "b eye": 1, "(others) eye": 4, "(others) ear": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests by account (-want +got):\n%s", diff)
	}
}

func TestNothingIsLostBetweenGoroutines(t *testing.T) {
	l := New(easy, &platform{}, Options{MaxAccounts: 50})
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for n := range 1000 {
				l.Charge("eye", fmt.Sprint((g+n)%70), functions.Share{Held: small, Busy: 3, Start: 5})
			}
		})
	}
	group.Wait()
	var sum functions.KeyCost
	for _, k := range l.Report(Query{}).Keys {
		sum.Requests += k.Requests
		sum.ColdStarts += k.ColdStarts
		sum.Cost = sum.Cost.Plus(k.Cost)
	}
	if sum.Requests != 8000 || sum.ColdStarts != 8000 || sum.Cost.ServingSeconds != 24000 || sum.Cost.ColdStartSeconds != 40000 {
		t.Errorf("%+v", sum)
	}
}

func TestPricesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Prices)
		fault  string
	}{
		{"the defaults", func(*Prices) {}, ""},
		{"all for nothing", func(p *Prices) { *p = Prices{Currency: "USD"} }, ""},
		{"less than nothing", func(p *Prices) { p.CPUSecond = -1 }, "cpuSecond"},
		{"a price for a month", func(p *Prices) { p.GBSecond = 2e6 }, "gbSecond"},
		{"no number", func(p *Prices) { p.Request = nan() }, "request"},
		{"a class with a wrong price", func(p *Prices) { p.GPUs = map[string]float64{"l4": -1} }, "gpus.l4"},
		{"a class that is never looked up", func(p *Prices) { p.GPUs = map[string]float64{"L4": 1} }, "lower case"},
		{"a GPU of any class", func(p *Prices) { p.GPUSecond = -1 }, "gpuSecond"},
		{"no currency", func(p *Prices) { p.Currency = "" }, "currency"},
		{"a sign for a currency", func(p *Prices) { p.Currency = "€" }, "currency"},
		{"lower case", func(p *Prices) { p.Currency = "usd" }, "currency"},
	} {
		p := Default()
		tt.change(&p)
		err := p.Check()
		if tt.fault == "" && err != nil || tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	err := Prices{CPUSecond: -1, GBSecond: -1}.Check()
	for _, word := range []string{"cpuSecond", "gbSecond", "currency"} {
		if !strings.Contains(fmt.Sprint(err), word) {
			t.Errorf("%q is not among: %v", word, err)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func BenchmarkCharge(b *testing.B) {
	share := functions.Share{Held: small, Busy: 30 * time.Millisecond, Start: time.Millisecond}
	b.Run("one account", func(b *testing.B) {
		l := New(easy, &platform{}, Options{})
		b.ReportAllocs()
		for b.Loop() {
			l.Charge("eye", "ann", share)
		}
	})
	b.Run("1000 accounts from every core", func(b *testing.B) {
		l := New(easy, &platform{}, Options{})
		var keys []string
		for n := range 1000 {
			keys = append(keys, fmt.Sprint("key-", n))
		}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for n := 0; pb.Next(); n++ {
				l.Charge("eye", keys[n%len(keys)], share)
			}
		})
	})
}
