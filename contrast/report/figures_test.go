package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestTheColdPartBeginsWhereHalfAreCold(t *testing.T) {
	in := small()
	for _, test := range []struct {
		name  string
		style Style
		from  float64 // share of requests slower than where it begins; 0: no cold part
	}{
		{"all slower ones are cold", in.Traces[0].Styles[0], 0.08}, // 4 of the slowest 8
		{"not known apart", in.Traces[0].Styles[1], 0},
		{"as a simulation knows them", apart(in.Traces[0].Styles[0]), 0.08},
		{"cold ones are the quickest", Style{Result: in.Traces[0].Styles[0].Result, Cold: []simulate.Bar{{UpTo: 1, Count: 4}}}, 0},
	} {
		got := 0.0
		if part := coldPart(test.style); len(part) > 0 {
			got = part[0].before
		}
		if math.Abs(got-test.from) > 1e-9 {
			t.Errorf("%s: it begins at %v, want %v", test.name, got, test.from)
		}
	}
}

// The step at which a share of requests begins, not the one before it.
func TestTheSlowestShareBeginsAtItsFirst(t *testing.T) {
	all := quantiles(small().Traces[0].Styles[0].Result)
	if got := valueAt(all, 0.04); math.Abs(got-1.097) > 1e-9 {
		t.Errorf("the slowest 4 of 100 begin at %v s, want 1.097", got)
	}
}

func TestColumnsKeepTheAverages(t *testing.T) {
	r := simulate.Result{For: 1000 * second, Step: second}
	var busy, arrivals float64
	for n := range 1000 {
		p := simulate.Point{At: functions.Seconds(n) * second, Busy: float64(n % 7), Arrivals: int64(n % 3)}
		busy += p.Busy
		arrivals += float64(p.Arrivals)
		r.Series = append(r.Series, p)
	}
	all := columns(r)
	if len(all) < maxColumns/2 || len(all) > maxColumns || all[0].from != 0 || all[len(all)-1].to != 1000 {
		t.Fatalf("%d columns from %v to %v", len(all), all[0].from, all[len(all)-1].to)
	}
	for i, c := range all {
		busy -= c.busy * (c.to - c.from)
		arrivals -= c.arrivals * (c.to - c.from)
		if i > 0 && c.from != all[i-1].to {
			t.Errorf("a gap before %v", c.from)
		}
	}
	if math.Abs(busy) > 1e-6 || math.Abs(arrivals) > 1e-6 {
		t.Errorf("%v instance-seconds and %v requests are lost", busy, arrivals)
	}
}

func TestLabelsGiveWayToEachOther(t *testing.T) {
	var d drawing
	d.labels(0, 10, 100, []endLabel{{99, "c", body}, {98, "b", body}, {12, "a", body}, {100, "d", body}})
	var got []string
	last := math.Inf(-1)
	for _, m := range slices.Backward(d.marks) { // drawn from the bottom up
		y := m.points[0][1]
		if y-last < textSize {
			t.Errorf("%s is %v below the one before", m.text, y-last)
		}
		if y < 10 || y > 105 {
			t.Errorf("%s is at %v", m.text, y)
		}
		last = y
		got = append(got, m.text)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestScales(t *testing.T) {
	log := decades(0.02, 30, 0, 100)
	if log.from != 0.01 || log.to != 100 || math.Abs(log.place(1)-50) > 1e-9 || log.place(1e-9) != 0 {
		t.Errorf("%+v puts 1 at %v", log, log.place(1))
	}
	if diff := cmp.Diff([]float64{0.01, 0.1, 1, 10, 100}, log.ticks()); diff != "" {
		t.Error(diff)
	}
	if ticks := decades(1e-9, 1e9, 0, 1).ticks(); len(ticks) > 7 {
		t.Errorf("%v are too many to read", ticks)
	}
	for most, want := range map[float64]float64{0: 1, 13: 14, 42: 50, 100: 100, 0.3: 0.3} {
		if got := upTo(most, 0, 1).to; got < most || math.Abs(got-want) > 1e-9 {
			t.Errorf("a scale up to %v ends at %v, want %v", most, got, want)
		}
	}
}

// The rasterizer has no dashes; these are as long as the gaps between them.
func TestDashesCoverHalfOfALine(t *testing.T) {
	parts := dashes([]point{{0, 0}, {30, 0}, {30, 30}}, 3)
	length := 0.0
	for _, part := range parts {
		for i := 1; i < len(part); i++ {
			length += math.Hypot(part[i][0]-part[i-1][0], part[i][1]-part[i-1][1])
		}
	}
	if len(parts) != 10 || math.Abs(length-30) > 1e-9 {
		t.Errorf("%d dashes of %v together", len(parts), length)
	}
}

// WCAG 2.2, 1.4.3: 4.5 to 1 for texts; inks that are no texts are left out.
func TestEveryInkCanBeReadOnItsGround(t *testing.T) {
	for _, theme := range []theme{light, dark} {
		all := inks(theme)
		for _, i := range all {
			if i.ink == ground || i.ink == grid {
				continue
			}
			a, b := luminance(i.rgb), luminance(all[0].rgb)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("theme %d: %s has a contrast of %.2f", theme, i.ink, ratio)
			}
		}
	}
}

func luminance(rgb uint32) float64 {
	sum := 0.0
	for shift, weight := range map[int]float64{16: 0.2126, 8: 0.7152, 0: 0.0722} {
		v := float64(rgb>>shift&0xff) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// A style that has no ledger, no series and no bars still has a report.
func TestWhatIsNotKnownIsNotDrawn(t *testing.T) {
	in := small()
	in.Sweep, in.Knobs, in.Validation = nil, nil, nil
	for s := range in.Traces[0].Styles {
		style := &in.Traces[0].Styles[s]
		style.Phases, style.Cold, style.Result.Series, style.Result.Latency.Bars = nil, nil, nil, nil
	}
	page := written(t, in)
	for _, heading := range []string{"h-starts", "h-knobs", `id="break"`} {
		if strings.Contains(strings.SplitN(page, "<script", 2)[0], heading) {
			t.Errorf("the page has %s, of nothing", heading)
		}
	}
	if !strings.Contains(page, `class="k-s0"`) {
		t.Error("the percentiles that are known are not drawn")
	}
}

// apart is a style whose result knows its cold requests itself.
func apart(s Style) Style {
	s.Result.ColdLatency.Bars, s.Cold = s.Cold, nil
	return s
}
