package report

import "math"

// Stretch is a range of rates in which one style costs least. From of the first and To
// of the last are the ends of what was tried.
type Stretch struct {
	Style string  `json:"style"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

// cheapest goes along the sweep and says which style costs least where. Between two
// rates that were tried each style's cost per million requests is taken to be a straight
// line in logarithms of both, and where two lines meet is the break-even. A third style
// that is cheapest only between two neighbouring rates is not seen.
func cheapest(sweep []Rate, prices Prices) []Stretch {
	var all []Stretch
	for i, rate := range sweep {
		best := 0
		for s := range rate.Styles {
			if perMillion(prices, rate, s) < perMillion(prices, rate, best) {
				best = s
			}
		}
		if i == 0 {
			all = append(all, Stretch{rate.Styles[best].Name, rate.PerSecond, rate.PerSecond})
			continue
		}
		last := &all[len(all)-1]
		if rate.Styles[best].Name != last.Style {
			was := 0
			for rate.Styles[was].Name != last.Style {
				was++
			}
			last.To = crossing(prices, sweep[i-1], rate, was, best)
			all = append(all, Stretch{Style: rate.Styles[best].Name, From: last.To})
		}
		all[len(all)-1].To = rate.PerSecond
	}
	return all
}

func perMillion(prices Prices, rate Rate, style int) float64 {
	return float64(prices.of(rate.Styles[style].Usage).PerMillion)
}

// crossing is the rate between two at which style b, dearer at the first, becomes
// cheaper than style a.
func crossing(prices Prices, from, to Rate, a, b int) float64 {
	before := gap(prices, from, a, b)
	after := gap(prices, to, a, b)
	share := 1.0
	if span := before - after; span > 0 && !math.IsInf(span, 0) {
		share = before / span
	}
	x0, x1 := math.Log(from.PerSecond), math.Log(to.PerSecond)
	return math.Exp(x0 + share*(x1-x0))
}

// gap is the logarithm of how many times a's cost style b costs. What costs nothing is
// taken as the least amount there is, so that free styles have a place too.
func gap(prices Prices, rate Rate, a, b int) float64 {
	const least = 1e-12
	return math.Log(math.Max(least, perMillion(prices, rate, b))) - math.Log(math.Max(least, perMillion(prices, rate, a)))
}
