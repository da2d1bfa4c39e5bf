// Package limits keeps what one caller may send: so many requests a second, with
// bursts, and so many an hour and a day.
//
// It receives a caller's name and numbers ([Limit]) with each request and hands on
// where the caller stands ([State]). It refuses with functions.OverLimit what is more,
// and says exactly when the next one will be taken. Who a caller is, and which numbers
// are its, others decide; a name may be an API key's or an address.
//
// It remembers a bounded number of callers, in memory: a restart forgives everybody,
// which errs on the caller's side and needs no store to be up before requests can be
// served. Of several gateways each counts for itself.
package limits

import (
	"cmp"
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed45885407/saccade/functions"
)

// Limit is what one caller may send; 0 anywhere is no limit of that sort.
type Limit struct {
	// PerSecond is the rate of requests in the long run.
	PerSecond float64
	// Burst is how many may come at once. Default: one second's, at least 1.
	Burst int
	// PerHour and PerDay are quotas. Hours and days are UTC's: all start anew at once.
	PerHour, PerDay int64
}

// Options bound the room; zero means the default.
type Options struct {
	// MaxCallers is how many callers are remembered. Default 10,000.
	MaxCallers int
}

// Room counts what callers send. Its methods may be called from any goroutine.
type Room struct {
	opts Options

	mu      sync.Mutex
	callers map[string]*list.Element // of *caller
	used    *list.List               // most recently first
}

// New is a room that knows no caller yet.
func New(opts Options) *Room {
	opts.MaxCallers = cmp.Or(opts.MaxCallers, 10_000)
	return &Room{opts: opts, callers: map[string]*list.Element{}, used: list.New()}
}

// caller is what one has used up.
type caller struct {
	name      string
	limit     Limit
	bucket    *rate.Limiter // nil: no rate
	hour, day window
}

// window is a quota's time with what was sent in it.
type window struct {
	began time.Time
	sent  int64
}

func (w *window) roll(now time.Time, length time.Duration) {
	if began := now.UTC().Truncate(length); !began.Equal(w.began) { // days since the year 1 are UTC's
		*w = window{began: began}
	}
}

// Take takes n requests of a caller's allowance, all or none: n is more than 1 for a
// batch. It fails with OverLimit and when to come back, a zero RetryAfter meaning
// that so many at once are never taken.
func (r *Room) Take(name string, limit Limit, n int) (State, error) {
	if limit == (Limit{}) || n <= 0 {
		return State{}, nil
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.caller(name, limit, now)
	c.hour.roll(now, time.Hour)
	c.day.roll(now, 24*time.Hour)
	if err := c.take(now, n); err != nil {
		return c.state(now), err
	}
	return c.state(now), nil
}

func (c *caller) take(now time.Time, n int) error {
	for _, quota := range c.quotas() {
		if quota.window.sent+int64(n) <= quota.most {
			continue
		}
		err := functions.Errorf(functions.OverLimit, "%d requests may be sent in %s, and %d have been", quota.most,
			quota.words, quota.window.sent)
		if int64(n) <= quota.most {
			err.RetryAfter = quota.window.began.Add(quota.length).Sub(now)
		}
		return err
	}
	if c.bucket != nil {
		if tokens := c.bucket.TokensAt(now); tokens < float64(n) {
			err := functions.Errorf(functions.OverLimit, "%v requests may be sent a second, %d at once",
				c.limit.PerSecond, c.bucket.Burst())
			if n <= c.bucket.Burst() {
				missing := (float64(n) - tokens) / c.limit.PerSecond * float64(time.Second)
				err.RetryAfter = time.Duration(math.Ceil(missing))
			}
			return err
		}
		c.bucket.AllowN(now, n)
	}
	c.hour.sent += int64(n)
	c.day.sent += int64(n)
	return nil
}

// quota is one of a caller's.
type quota struct {
	name, words string
	most        int64
	length      time.Duration
	window      *window
}

func (c *caller) quotas() (all []quota) {
	if c.limit.PerHour > 0 {
		all = append(all, quota{"hour", "an hour", c.limit.PerHour, time.Hour, &c.hour})
	}
	if c.limit.PerDay > 0 {
		all = append(all, quota{"day", "a day", c.limit.PerDay, 24 * time.Hour, &c.day})
	}
	return all
}

// caller is the one of that name, remembered from now on. Numbers that have changed
// hold at once; what was sent already stays counted. Call with mu held.
func (r *Room) caller(name string, limit Limit, now time.Time) *caller {
	if e := r.callers[name]; e != nil {
		r.used.MoveToFront(e)
		c := e.Value.(*caller)
		c.set(limit, now)
		return c
	}
	for len(r.callers) >= r.opts.MaxCallers {
		r.forget(now)
	}
	c := &caller{name: name}
	c.set(limit, now)
	r.callers[name] = r.used.PushFront(c)
	return c
}

func (c *caller) set(limit Limit, now time.Time) {
	if c.limit == limit {
		return
	}
	c.limit = limit
	if limit.PerSecond <= 0 {
		c.bucket = nil
		return
	}
	burst := max(1, cmp.Or(limit.Burst, int(math.Ceil(limit.PerSecond))))
	if c.bucket == nil {
		c.bucket = rate.NewLimiter(rate.Limit(limit.PerSecond), burst)
		return
	}
	c.bucket.SetLimitAt(now, rate.Limit(limit.PerSecond))
	c.bucket.SetBurstAt(now, burst)
}

// lookBack is how far from the end of the list forget looks for one who loses
// nothing by it.
const lookBack = 16

// forget drops one caller: of those that were silent for longest the first that has
// used up nothing any more, else the one that was silent for longest. So a crowd of
// new names cannot make the room grow, and is unlikely to give a caller back what it
// has spent. Call with mu held.
func (r *Room) forget(now time.Time) {
	victim := r.used.Back()
	for e, seen := victim, 0; e != nil && seen < lookBack; e, seen = e.Prev(), seen+1 {
		if e.Value.(*caller).fresh(now) {
			victim = e
			break
		}
	}
	delete(r.callers, r.used.Remove(victim).(*caller).name)
}

// fresh says that a caller stands where a new one would.
func (c *caller) fresh(now time.Time) bool {
	c.hour.roll(now, time.Hour)
	c.day.roll(now, 24*time.Hour)
	for _, quota := range c.quotas() {
		if quota.window.sent > 0 {
			return false
		}
	}
	return c.bucket == nil || c.bucket.TokensAt(now) >= float64(c.bucket.Burst())
}
