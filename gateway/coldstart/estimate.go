package coldstart

import "time"

// forgets is after how long without a sample an estimate counts half: a function
// that was slow once, and got no request since because of it, must be able to show
// that it no longer is.
const forgets = 5 * time.Minute

// forgotten is how many halves are taken at most: a sixty-fourth is doubt enough.
const forgotten = 6

// estimate is a running mean and how far samples stray from it, smoothed as TCP
// smooths round trips (RFC 6298, section 2).
type estimate struct {
	mean, stray time.Duration
	least       time.Duration // about the shortest sample
	last        time.Duration // the newest sample
	at          time.Time     // of the newest sample
}

func (e *estimate) known() bool { return e.mean > 0 }

func (e *estimate) add(d time.Duration, now time.Time) {
	d = max(d, 1)
	e.last = d
	if !e.known() || now.Sub(e.at) >= forgets { // old news is no news
		e.mean, e.stray, e.least, e.at = d, d/2, d, now
		return
	}
	e.stray += ((d - e.mean).Abs() - e.stray) / 4
	e.mean = max(1, e.mean+(d-e.mean)/8)
	if d < e.least {
		e.least = d
	} else {
		e.least += (d - e.least) / 64 // an odd one is not believed for ever
	}
	e.at = now
}

// typical is the mean.
func (e *estimate) typical(now time.Time) time.Duration { return e.aged(e.mean, now) }

// slow is moderately pessimistic: about five of six samples are shorter.
func (e *estimate) slow(now time.Time) time.Duration { return e.aged(e.mean+e.stray, now) }

// shortest is what has been done and so can be done again.
func (e *estimate) shortest(now time.Time) time.Duration { return e.aged(e.least, now) }

func (e *estimate) aged(d time.Duration, now time.Time) time.Duration {
	return d >> min(max(0, now.Sub(e.at)/forgets), forgotten)
}
