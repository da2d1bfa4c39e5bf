package scaling

import (
	"testing"
	"time"
)

func TestArrivalRate(t *testing.T) {
	began := time.Unix(1_000_000, 0)
	for _, test := range []struct {
		name  string
		at    func(second int) int // requests in each of 120 seconds
		least float64
		most  float64
	}{
		{"a steady stream is its rate", func(int) int { return 4 }, 3.9, 4.1},
		{"a crowd that stays four seconds is seen", func(s int) int {
			if s >= 116 {
				return 30
			}
			return 1
		}, 29, 31},
		{"a crowd that comes at once is no rate yet", func(s int) int {
			if s >= 118 {
				return 30
			}
			return 1
		}, 1.9, 2},
		{"a little more than usual is noise", func(s int) int {
			if s >= 116 {
				return 6
			}
			return 4
		}, 4.1, 4.2},
		{"what ended a minute ago is forgotten", func(s int) int {
			if s < 58 {
				return 9
			}
			return 0
		}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := arrivals{since: began}
			for s := range 120 {
				for range test.at(s) {
					a.add(began.Add(time.Duration(s) * time.Second))
				}
			}
			if rate := a.rate(began.Add(120 * time.Second)); rate < test.least || rate > test.most {
				t.Errorf("%v/s, not %v to %v", rate, test.least, test.most)
			}
		})
	}
}

func TestMeanForgetsSlowly(t *testing.T) {
	m := mean{samples: 4}
	for _, d := range []time.Duration{1, 2, 3, 4} {
		m.add(d * time.Second)
	}
	if m.value != 2.5 {
		t.Errorf("the average of the first four is %v", m.value)
	}
	m.add(6500 * time.Millisecond)
	if m.value != 3.5 {
		t.Errorf("with a fifth that weighs a quarter: %v", m.value)
	}
}
