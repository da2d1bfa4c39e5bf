package functions

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Held is what one instance keeps from others for as long as it lives.
type Held struct {
	// CPU is in cores.
	CPU float64 `json:"cpu"`
	// Memory is in bytes; 0 where no bound was set, so that none was reserved.
	Memory int64 `json:"memory_bytes"`
	// GPUs is in whole devices; Device is their class as prices name it, for example
	// l4, or empty.
	GPUs   float64 `json:"gpus,omitzero"`
	Device string  `json:"device,omitempty"`
}

// Compare orders what is held by cores, memory, GPUs and class, as cmp.Compare does.
func (h Held) Compare(other Held) int {
	return cmp.Or(cmp.Compare(h.CPU, other.CPU), cmp.Compare(h.Memory, other.Memory),
		cmp.Compare(h.GPUs, other.GPUs), cmp.Compare(h.Device, other.Device))
}

// Usage is the time that the instances of a function holding the same resources
// have lived since the platform started, instances that live now up to now.
//
// Busy, Idle, Starting and Frozen are apart and add up to the instances' lives, to
// the nanosecond; none of them ever goes back.
type Usage struct {
	Function string
	Held     Held
	// Busy is the part in which requests were worked on. Of an instance that takes n
	// at a time each request uses 1/n for as long as it is there.
	Busy time.Duration
	// Idle is the part in which a place was ready and nobody in it: between requests,
	// and from the last one until the instance was gone.
	Idle time.Duration
	// Starting is until an instance was ready, or gone without having been.
	Starting time.Duration
	// Frozen is the part in which an instance kept its memory and got no CPU.
	Frozen time.Duration
	// Failed is inside Starting: the lives of instances that ended before they were
	// ready.
	Failed time.Duration
	// Starts counts instances that became ready.
	Starts int64
}

// Lived is the instances' time altogether.
func (u Usage) Lived() time.Duration { return u.Busy + u.Idle + u.Starting + u.Frozen }

// Plus is u with the times of v.
func (u Usage) Plus(v Usage) Usage {
	u.Busy += v.Busy
	u.Idle += v.Idle
	u.Starting += v.Starting
	u.Frozen += v.Frozen
	u.Failed += v.Failed
	u.Starts += v.Starts
	return u
}

// Minus is u without the times of v, an earlier reading.
func (u Usage) Minus(v Usage) Usage {
	u.Busy -= v.Busy
	u.Idle -= v.Idle
	u.Starting -= v.Starting
	u.Frozen -= v.Frozen
	u.Failed -= v.Failed
	u.Starts -= v.Starts
	return u
}

// Share is what one request took of an instance.
type Share struct {
	// Held is what the instance held.
	Held Held
	// Busy is instance time: how long the request was in the ready instance, over the
	// requests that the instance takes at a time.
	Busy time.Duration
	// Start is the request's part of the instance's start, where it waited in the
	// instance for that. The parts of all who did add up to the start.
	Start time.Duration
}

// Seconds is a duration that is written in JSON as seconds, to the nanosecond.
type Seconds time.Duration

// Seconds is s as a fraction of seconds.
func (s Seconds) Seconds() float64 { return time.Duration(s).Seconds() }

// MarshalJSON writes seconds with nine decimals at most: 12.000000345.
func (s Seconds) MarshalJSON() ([]byte, error) {
	sign, ns := "", uint64(s)
	if s < 0 {
		sign, ns = "-", -ns
	}
	text := fmt.Sprintf("%s%d.%09d", sign, ns/1e9, ns%1e9)
	return []byte(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")), nil
}

// UnmarshalJSON reads seconds; beyond a hundred days the last nanoseconds are rounded.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil || math.Abs(seconds) > 9e9 {
		return fmt.Errorf("%q is no number of seconds", text)
	}
	*s = Seconds(math.Round(seconds * 1e9))
	return nil
}
