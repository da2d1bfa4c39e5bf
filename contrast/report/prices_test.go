package report

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestWhatAUsageCosts(t *testing.T) {
	all := functions.Held{CPU: 2, Memory: 3 << 30, GPUs: 0.5}
	prices := easy()
	prices.Memory.Amount, prices.GPU.Amount, prices.Call.Amount = 4, 6, 1000
	for _, test := range []struct {
		name  string
		usage Usage
		want  Cost
	}{
		{
			"an instance pays all its time for all it holds, and its requests",
			Usage{Tariff: PerInstance, Held: all, Work: 1800 * second, Idle: 900 * second, Start: 900 * second, Requests: 1000},
			Cost{Work: 8.5, Idle: 4.25, Start: 4.25, Requests: 1, Total: 18, PerMillion: 18_000, Wasted: 8.5 / 18},
		},
		{
			"a request pays for memory while it or its start runs, and for itself",
			Usage{Tariff: PerRequest, Held: all, Work: 1e6 * second, Start: 2e6 * second, Requests: 1e6},
			Cost{Work: 3, Start: 6, Requests: 2, Total: 11, PerMillion: 11, Wasted: 6.0 / 11},
		},
		{
			"what is kept initialised has prices of its own",
			Usage{Tariff: PerRequest, Held: functions.Held{Memory: 1 << 30}, Work: 3e6 * second, Kept: 2e6 * second, Idle: 4e6 * second, Requests: 1e6},
			Cost{Work: 2, Idle: 1, Requests: 2, Total: 5, PerMillion: 5, Wasted: 0.2},
		},
		{"no requests have no cost each", Usage{Tariff: PerInstance, Held: functions.Held{CPU: 1}, Idle: 3600 * second}, Cost{Idle: 1, Total: 1, Wasted: 1}},
		{"nothing costs nothing", Usage{Tariff: PerInstance}, Cost{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, prices.of(test.usage), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// A simulated bill, taken apart into time and priced again, is the same bill.
func TestABilledUsageCostsWhatWasBilled(t *testing.T) {
	r := simulate.Result{Requests: 1000, Busy: 99 * second, Loading: 9 * second}
	r.Cost = functions.MoneyCost{Billed: 100 * 2 * 0.0000166667, Wasted: 10 * 2 * 0.0000166667, Request: 1000 * 0.2 / 1e6}
	r.Cost.Total = r.Cost.Billed + r.Cost.Wasted + r.Cost.Request
	usage := BilledUsage(r, 2<<30, simulate.DefaultPrices())
	if usage.Work != 100*second || usage.Start != 10*second {
		t.Errorf("%v s and %v s are billed, want 100 and 10", usage.Work.Seconds(), usage.Start.Seconds())
	}
	if got := DefaultPrices().of(usage).Total; math.Abs(float64(got/r.Cost.Total)-1) > 1e-9 {
		t.Errorf("it costs %v, and was billed %v", got, r.Cost.Total)
	}
	r.Cost.Idle = 1 // kept initialised by order
	if usage := BilledUsage(r, 2<<30, simulate.DefaultPrices()); usage.Work != r.Busy || usage.Start != r.Loading {
		t.Errorf("a bill that cannot be taken apart comes to %+v", usage)
	}
}

func TestTheDefaultPricesAreThoseOfTheSimulation(t *testing.T) {
	p := DefaultPrices()
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if p.Core.Amount != 0.0648 || p.Memory.Amount != 0.0072 || p.Lambda.Amount != 16.6667 || p.LambdaCall.Amount != 0.2 {
		t.Errorf("%+v", p)
	}
	for _, price := range p.list() {
		if price.Source == "" || price.Dated == "" {
			t.Errorf("the price %s has no source or no date", price.Key)
		}
	}
}

func TestPricesThatMeanNothingAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Prices){
		"gpu":      func(p *Prices) { p.GPU.Amount = -1 },
		"lambda":   func(p *Prices) { p.Lambda.Amount = math.NaN() },
		"memory":   func(p *Prices) { p.Memory.Amount = math.Inf(1) },
		"currency": func(p *Prices) { p.Currency = "usd" },
	} {
		p := easy()
		spoil(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a wrong %s comes to %v", name, err)
		}
	}
}
