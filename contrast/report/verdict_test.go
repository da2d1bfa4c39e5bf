package report

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// An instance costs 1 an hour whatever comes, a request on Lambda always the same: the
// lines cross where an hour's requests cost 1, and both are straight in logarithms.
func TestTheBreakEvenIsWhereTheLinesCross(t *testing.T) {
	in := small().withUsage()
	got := cheapest(in.Sweep, in.Prices)
	perRequest := float64(in.Prices.of(in.Sweep[0].Styles[0].Usage).PerMillion) / 1e6
	want := 1 / perRequest / 3600
	if len(got) != 2 || got[0].Style != "lambda" || got[1].Style != "startup-aware" {
		t.Fatalf("%+v", got)
	}
	if got[0].From != 0.1 || got[1].To != 100 || got[0].To != got[1].From || math.Abs(got[0].To/want-1) > 1e-9 {
		t.Errorf("%+v, want a crossing at %v", got, want)
	}
}

func TestTheBreakEvenAtTheEdges(t *testing.T) {
	free := Usage{Tariff: PerInstance, Requests: 1}
	dear := Usage{Tariff: PerInstance, Held: functions.Held{CPU: 1}, Work: 3600 * second, Requests: 1}
	rate := func(perSecond float64, a, b Usage) Rate {
		return Rate{perSecond, []RateStyle{{"a", a}, {"b", b}}}
	}
	for _, test := range []struct {
		name  string
		sweep []Rate
		want  []Stretch
	}{
		{"no sweep, no break-even", nil, nil},
		{"one rate is one stretch", []Rate{rate(2, dear, free)}, []Stretch{{"b", 2, 2}}},
		{"of equal ones the first", []Rate{rate(1, dear, dear), rate(2, dear, dear)}, []Stretch{{"a", 1, 2}}},
		{"back and forth", []Rate{rate(1, free, dear), rate(2, dear, free), rate(8, free, dear)}, []Stretch{{"a", 1, math.Sqrt2}, {"b", math.Sqrt2, 4}, {"a", 4, 8}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := cheapest(test.sweep, easy())
			close := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
			if diff := cmp.Diff(test.want, got, close); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTheVerdictInWords(t *testing.T) {
	// On the trace Lambda's million costs 4 and 2, startup-aware's 10,000.
	const onTrace = "Rush hour, 0.0278 requests a second on average: Lambda costs least, $6.00 for a million requests, 99.9\u00a0% less than Startup-aware"
	for _, test := range []struct {
		name     string
		change   func(*Input)
		headline string
		verdict  string
		losses   []string
	}{
		{
			"two styles that overtake",
			func(*Input) {},
			"Lambda is cheapest below 7.31 requests a second, Startup-aware above that.",
			onTrace + ". Startup-aware answers soonest at the 99th percentile, within 99\u00a0ms; Lambda within 1.1\u00a0s.",
			[]string{"Rush hour: Startup-aware costs 166,567\u00a0% more than Lambda."},
		},
		{
			"one that is cheapest everywhere",
			func(in *Input) { in.Prices.Core.Amount = 0; in.Prices.Memory.Amount = 0 },
			"Startup-aware is cheapest at every rate tried, from 0.1 to 100 requests a second.",
			"Rush hour, 0.0278 requests a second on average: Startup-aware costs least, $0 for a million requests, 100\u00a0% less than Lambda. It also answers soonest at the 99th percentile, within 99\u00a0ms.",
			[]string{"Startup-aware loses to none of the others, neither on cost nor on the 99th percentile."},
		},
		{
			"runs at one rate only, and a loss on both",
			func(in *Input) {
				in.Sweep = nil
				in.Traces[0].Styles[1].Result.Latency.P99 = 3 * second
			},
			"On rush hour, Lambda costs least: $6.00 for a million requests.",
			onTrace + ". It also answers soonest at the 99th percentile, within 1.1\u00a0s.",
			[]string{"Rush hour: Startup-aware loses to Lambda on both: it costs 166,567\u00a0% more, and its 99th percentile is 3\u00a0s against 1.1\u00a0s."},
		},
		{
			"a style alone",
			func(in *Input) { in.Sweep = nil; in.Traces[0].Styles = in.Traces[0].Styles[:1] },
			"On rush hour, Lambda costs least: $6.00 for a million requests.",
			"Rush hour, 0.0278 requests a second on average: Lambda costs least, $6.00 for a million requests. Its 99th percentile is 1.1\u00a0s.",
			nil,
		},
		{
			"slower by less than can be read is no loss",
			func(in *Input) {
				in.Prices.Core.Amount = 0
				in.Traces[0].Styles[1].Result.Latency.P99 = in.Traces[0].Styles[0].Result.Latency.P99 + 1000
			},
			"Startup-aware is cheapest at every rate tried, from 0.1 to 100 requests a second.",
			"Rush hour, 0.0278 requests a second on average: Startup-aware costs least, $0 for a million requests, 100\u00a0% less than Lambda. Lambda answers soonest at the 99th percentile, within 1.1\u00a0s; Startup-aware within 1.1\u00a0s.",
			[]string{"Startup-aware loses to none of the others, neither on cost nor on the 99th percentile."},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := small()
			test.change(&in)
			doc, err := newDocument(in)
			if err != nil {
				t.Fatal(err)
			}
			got := doc.Derived
			if diff := cmp.Diff([]string{test.headline, test.verdict}, append([]string{got.Headline}, got.Verdict...)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.losses, got.Losses); diff != "" {
				t.Errorf("losses, -want +got\n%s", diff)
			}
		})
	}
}

func TestNumbersAreWrittenAsPeopleReadThem(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{number(0), "0"},
		{number(0.012345), "0.0123"},
		{number(1), "1"},
		{number(9.995), "9.99"}, // as a float it is a little less
		{number(99.96), "100"},
		{number(1234567), "1,234,567"},
		{number(-1234.5), "-1,234"},
		{number(1.125), "1.13"},
		{count(1000), "1,000"},
		{seconds(0), "0\u00a0s"},
		{seconds(0.0004), "0.4\u00a0ms"},
		{seconds(12.34), "12.3\u00a0s"},
		{seconds(1800), "30\u00a0min"},
		{seconds(86400), "24\u00a0h"},
		{percent(0.5), "50\u00a0%"},
		{percent(0.004567), "0.46\u00a0%"},
		{percent(2.34567), "235\u00a0%"},
		{money("USD", 4.5), "$4.50"},
		{money("EUR", 0.01234), "EUR 0.0123"},
		{money("USD", 12345.6), "$12,346"},
		{plural(1, "start"), "1 start"},
		{label("office day"), "Office day"},
		{label("école"), "École"},
		{label(""), ""},
		{plural(1200, "start"), "1,200 starts"},
		{signed(0.05), "+5\u00a0%"},
		{signed(-0.05), "−5\u00a0%"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
