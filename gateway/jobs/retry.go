package jobs

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// class is what a failure means for the next attempt.
type class int

const (
	permanent class = iota // it will fail again
	faulty                 // it may succeed, a few times at most are tried
	waiting                // the job has not had its turn: it is tried until its deadline
)

func classOf(err error) class {
	switch functions.KindOf(err) {
	case functions.Busy, functions.TooShort, functions.OverLimit, functions.Unavailable, functions.ColdStartTimeout:
		return waiting
	case functions.Timeout, functions.SourceFailed, functions.SourceTimeout, functions.Internal:
		return faulty
	}
	return permanent
}

// maxRetryAfter bounds what a far side may ask for.
const maxRetryAfter = time.Hour

// backoff is the pause after the given number of failures, at least one: a random
// part of first doubled each time, up to most ("full jitter", M. Brooker,
// Exponential Backoff and Jitter, 2015); or what the far side asked for and a
// random part of first, so that all do not come back at one moment.
func backoff(failures int, first, most, asked time.Duration, random func(time.Duration) time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, maxRetryAfter) + random(first)
	}
	ceiling := first
	for ; failures > 1 && ceiling < most; failures-- {
		ceiling *= 2
	}
	return max(random(min(ceiling, most)), least)
}

// least is the shortest pause: a job that failed does not spin.
const least = 10 * time.Millisecond

// part is a random duration below d.
func part(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// askedOf is when err says to come back, 0 for not known.
func askedOf(err error) time.Duration {
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

func (j *Jobs) pauseAfter(failures int, err error) time.Duration {
	return backoff(failures, j.opts.Backoff, j.opts.MaxBackoff, askedOf(err), part)
}
