// Package traces is when requests arrive.
//
// It receives a seed, a population's size or a stranger's file, and hands on arrivals
// in rising order: as a [Trace] where they fit in memory, as a [Stream] where they are
// made one at a time. There are three sources: the [Shipped] kinds of traffic; [Azure],
// a population after the published distributions of Azure Functions; and a [Recording]
// of the team's own, read from CSV, an access log or a gateway's own [Record]s.
//
// It refuses files whose lines it cannot read, and more than it can hold. It knows
// nothing of instances or of who serves the requests.
package traces

import (
	"math"
	"math/rand/v2"
	"time"
)

// Trace is a kind of traffic: how long it lasts, and its arrivals for a seed, as times
// since the beginning, never falling.
type Trace struct {
	Name     string
	For      time.Duration
	Arrivals func(seed uint64) []time.Duration
}

// Stream is arrivals one at a time, as times since the beginning, never falling.
type Stream interface {
	// Next is the next arrival; more is false where there is none.
	Next() (at time.Duration, more bool)
}

// Of is a Stream of arrivals that are there already.
func Of(arrivals []time.Duration) Stream { return &list{arrivals} }

type list struct{ left []time.Duration }

func (l *list) Next() (at time.Duration, more bool) {
	if len(l.left) == 0 {
		return 0, false
	}
	at, l.left = l.left[0], l.left[1:]
	return at, true
}

// Poisson is arrivals at rate requests a second for the given time.
func Poisson(rate float64, length time.Duration, seed uint64) []time.Duration {
	return varying(func(time.Duration) float64 { return rate }, rate, length, seed)
}

// varying is a Poisson process whose rate changes: arrivals at the highest rate, of
// which as many are kept as the rate of their time asks (thinning; Lewis and Shedler
// 1979).
func varying(rate func(time.Duration) float64, highest float64, length time.Duration, seed uint64) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 3))
	var all []time.Duration
	for at := 0.0; highest > 0; {
		at += -math.Log(1-r.Float64()) / highest
		now := time.Duration(at * float64(time.Second))
		if now >= length {
			break
		}
		if r.Float64()*highest < rate(now) {
			all = append(all, now)
		}
	}
	return all
}
