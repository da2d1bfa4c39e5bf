package limits

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// State is where a caller stands, one entry a limit it has.
type State struct{ entries [3]standing }

type standing struct {
	name   string // "" for none
	quota  int64
	window time.Duration
	left   int64
	reset  time.Duration // until left grows
}

func (c *caller) state(now time.Time) (s State) {
	n := 0
	if c.bucket != nil {
		burst, tokens := c.bucket.Burst(), c.bucket.TokensAt(now)
		full := (float64(burst) - tokens) / c.limit.PerSecond
		s.entries[n] = standing{
			"rate", int64(burst), time.Duration(float64(burst) / c.limit.PerSecond * float64(time.Second)),
			max(0, int64(tokens)), time.Duration(max(0, full) * float64(time.Second)),
		}
		n++
	}
	for _, q := range c.quotas() {
		s.entries[n] = standing{q.name, q.most, q.length, max(0, q.most-q.window.sent), q.window.began.Add(q.length).Sub(now)}
		n++
	}
	return s
}

// SetHeader writes RateLimit-Policy and RateLimit
// (draft-ietf-httpapi-ratelimit-headers-10), and nothing where there is no limit.
func (s State) SetHeader(h http.Header) {
	var policy, now strings.Builder
	for _, e := range s.entries {
		if e.name == "" {
			break
		}
		if policy.Len() > 0 {
			policy.WriteString(", ")
			now.WriteString(", ")
		}
		fmt.Fprintf(&policy, `"%s";q=%d;w=%d`, e.name, e.quota, seconds(e.window))
		fmt.Fprintf(&now, `"%s";r=%d;t=%d`, e.name, e.left, seconds(e.reset))
	}
	if policy.Len() > 0 {
		h.Set("RateLimit-Policy", policy.String())
		h.Set("RateLimit", now.String())
	}
}

// seconds are whole and rounded up, at least one for a window.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
