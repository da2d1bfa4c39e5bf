package traces

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Shipped are the kinds of traffic that every report can be made of.
func Shipped() []Trace {
	return []Trace{
		// A road camera's two hours: from nothing to 20 a second and back.
		vary("rush hour", 2*time.Hour, 20, func(hours float64) float64 {
			return 20 * bell(hours, 1, 0.25)
		}),
		// From eight to six, with half of them at lunch and none at night.
		vary("office day", 24*time.Hour, 3, func(hours float64) float64 {
			switch {
			case hours < 8 || hours >= 18:
				return 0
			case hours >= 12 && hours < 13:
				return 0.75
			}
			return 3 * min(1, (hours-8)*2, (18-hours)*2)
		}),
		{"sporadic camera", 24 * time.Hour, sporadic},
		// One in two seconds, then 30 a second for five minutes, from one second to the next.
		vary("flash crowd", time.Hour, 30, func(hours float64) float64 {
			if minutes := hours * 60; minutes >= 20 && minutes < 25 {
				return 30
			}
			return 0.5
		}),
		// Three an hour, whenever.
		vary("night", 12*time.Hour, 3.0/3600, func(float64) float64 { return 3.0 / 3600 }),
		{"cron bursts", 12 * time.Hour, cron},
	}
}

// Named is the shipped trace of a name, which may be written with hyphens: rush-hour.
func Named(name string) (Trace, error) {
	var names []string
	for _, trace := range Shipped() {
		hyphened := strings.ReplaceAll(trace.Name, " ", "-")
		if name == trace.Name || name == hyphened {
			return trace, nil
		}
		names = append(names, hyphened)
	}
	return Trace{}, functions.Errorf(functions.Invalid, "there is no trace %q; there are %s", name, strings.Join(names, ", "))
}

// vary is a Trace whose rate, in requests a second, depends on the hour.
func vary(name string, length time.Duration, highest float64, rate func(hours float64) float64) Trace {
	return Trace{name, length, func(seed uint64) []time.Duration {
		return varying(func(at time.Duration) float64 { return rate(at.Hours()) }, highest, length, seed)
	}}
}

func bell(x, middle, width float64) float64 {
	return math.Exp(-(x - middle) * (x - middle) / (2 * width * width))
}

// sporadic is a camera that sees something after 4 to 8 minutes and then sends 1 to 5
// pictures, half a second apart.
func sporadic(seed uint64) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 4))
	var all []time.Duration
	for at := time.Duration(0); ; {
		at += 4*time.Minute + time.Duration(r.Float64()*float64(4*time.Minute))
		for range 1 + r.IntN(5) {
			if at >= 24*time.Hour {
				return all
			}
			all = append(all, at)
			at += 500 * time.Millisecond
		}
	}
}

// cron is a job of 40 pictures every half hour on the minute, 20 a second, and a
// second of jitter.
func cron(seed uint64) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 5))
	var all []time.Duration
	for at := 30 * time.Minute; at < 12*time.Hour; at += 30 * time.Minute {
		job := at + time.Duration(r.Float64()*float64(time.Second))
		for n := range 40 {
			all = append(all, job+time.Duration(n)*50*time.Millisecond)
		}
	}
	return all
}
