package traces

import (
	"math"
	"math/rand/v2"
	"time"
)

// Stream is the function's arrivals, the same each time.
func (f AzureFunction) Stream() Stream {
	r := rand.New(rand.NewPCG(f.seed, f.number*classes+1))
	if f.Class == Timer {
		every := time.Duration(math.Round(float64(time.Second) / f.Rate))
		// Schedules are written for whole minutes and hours, so those of many functions
		// come together; each is some milliseconds late, always as many.
		late := time.Duration(r.Float64() * float64(min(every, 2*time.Second)))
		first := time.Duration(0)
		if every > time.Hour { // at some hour of its day or week
			first = time.Duration(r.Float64() * float64(every)).Truncate(time.Hour)
		}
		return &timer{next: first + late, every: every, length: f.length}
	}
	// A hyperexponential distribution of two phases with balanced means has any
	// coefficient of variation above 1; at 1 both phases are the same.
	square := f.Variation * f.Variation
	often := (1 + math.Sqrt((square-1)/(square+1))) / 2
	s := &renewal{r: r, rate: f.Rate / float64(time.Second), length: f.length, often: often}
	s.means = [2]float64{0.5 / often, 0.5 / (1 - often)}
	// The process has been going on: the first arrival is anywhere within an interval.
	s.ahead = r.Float64()
	return s
}

type timer struct{ next, every, length time.Duration }

func (t *timer) Next() (at time.Duration, more bool) {
	at = t.next
	t.next += t.every
	return at, at < t.length
}

// segment is how long the day's course stays at one level.
const segment = 15 * time.Minute

// renewal is independent intervals, in a time that goes faster by day: so the
// intervals keep their coefficient of variation at any hour.
type renewal struct {
	r      *rand.Rand
	rate   float64 // of the average hour, in requests a nanosecond
	often  float64 // the share of intervals of the first phase
	means  [2]float64
	ahead  float64 // of the next arrival, in average intervals
	length time.Duration

	now, until time.Duration // within a segment
	level      float64       // of the segment, requests a nanosecond
}

func (s *renewal) Next() (at time.Duration, more bool) {
	for {
		if s.now >= s.until {
			if s.now >= s.length {
				return 0, false
			}
			s.until = s.now + segment
			s.level = s.rate * course(s.now+segment/2)
		}
		left := float64(s.until-s.now) * s.level
		if s.ahead >= left {
			s.ahead -= left
			s.now = s.until
			continue
		}
		s.now += time.Duration(s.ahead / s.level)
		mean := s.means[0]
		if s.often < 1 && s.r.Float64() >= s.often {
			mean = s.means[1]
		}
		s.ahead = s.r.ExpFloat64() * mean
		return s.now, s.now < s.length
	}
}

// course is the load at a time of day over the day's average: between half of the peak
// and the peak, highest at two in the afternoon.
func course(at time.Duration) float64 {
	return 1 + math.Cos(2*math.Pi*(at.Hours()-14)/24)/3
}
