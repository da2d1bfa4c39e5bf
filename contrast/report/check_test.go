package report

import (
	"math"
	"strings"
	"testing"
)

func TestInputThatDoesNotFitTogetherIsRefused(t *testing.T) {
	if err := small().Check(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		spoil func(*Input)
		fault string
	}{
		{"no trace", func(in *Input) { in.Traces = nil }, "0 traces"},
		{"a trace twice", func(in *Input) { in.Traces = append(in.Traces, in.Traces[0]) }, "there twice"},
		{"a style without a name", func(in *Input) { in.Traces[0].Styles[0].Name = "" }, "without a name"},
		{"no requests", func(in *Input) { in.Traces[0].Styles[0].Result.Requests = 0 }, "0 requests"},
		{"a distribution that lacks values", func(in *Input) {
			in.Traces[0].Styles[0].Result.Latency.Bars = in.Traces[0].Styles[0].Result.Latency.Bars[1:]
		}, "99 values of 100"},
		{"a distribution that falls", func(in *Input) { in.Traces[0].Styles[0].Result.Latency.Bars[5].UpTo = 1 }, "falls"},
		{"cold ones that are not all", func(in *Input) { in.Traces[0].Styles[0].Cold = in.Traces[0].Styles[0].Cold[1:] }, "3 values of 4"},
		{"a series of no numbers", func(in *Input) { in.Traces[0].Styles[0].Result.Series[1].Busy = math.NaN() }, "series"},
		{"a tariff that nobody has", func(in *Input) { in.Traces[0].Styles[0].Usage.Tariff = "flat" }, `"flat"`},
		{"a usage of less than nothing", func(in *Input) { in.Traces[0].Styles[0].Usage.Idle = -1 }, "less than nothing"},
		{"more cores than there are numbers", func(in *Input) { in.Traces[0].Styles[0].Usage.Held.CPU = math.Inf(1) }, "less than nothing"},
		{"rates that fall", func(in *Input) { in.Sweep[1].PerSecond = 0.1 }, "do not rise"},
		{"a rate without a style", func(in *Input) { in.Sweep[1].Styles = in.Sweep[1].Styles[1:] }, "same styles"},
		{"a rate at which nothing came", func(in *Input) { in.Sweep[1].Styles[0].Usage.Requests = 0 }, "no requests"},
		{"knobs with nothing to compare with", func(in *Input) { in.Knobs[0].Variants = in.Knobs[0].Variants[1:] }, "compare with"},
		{"a knob that costs nothing", func(in *Input) { in.Knobs[0].Variants[1].Cost = 0 }, "minScale"},
		{"a validation of no number", func(in *Input) { in.Validation[0].Live = math.NaN() }, "validation"},
		{"a price of less than nothing", func(in *Input) { in.Prices.Core.Amount = -1 }, "core"},
		{"seven styles", func(in *Input) {
			for _, name := range "abcde" {
				style := in.Traces[0].Styles[0]
				style.Name = string(name)
				in.Traces[0].Styles = append(in.Traces[0].Styles, style)
			}
		}, "7 styles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := small()
			test.spoil(&in)
			if err := in.Check(); err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%v, want %q", err, test.fault)
			}
			if err := Write(new(strings.Builder), in); err == nil {
				t.Error("and yet the page is written")
			}
		})
	}
}
