package costs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// How finely and for how long the past is kept: 228 readings at most.
const (
	pageEvery  = time.Minute
	finelyFor  = time.Hour
	coarsely   = time.Hour
	altogether = 7 * 24 * time.Hour
)

// page is all that was counted when it was read.
type page struct {
	at       time.Time
	usage    map[use]functions.Usage
	accounts map[account]figures
}

// use is what instance time is added up by.
type use struct {
	function string
	held     functions.Held
}

// pages are readings of the past, oldest first.
type pages struct {
	mu  sync.Mutex
	all []page
}

// Run reads the accounts every minute until ctx ends, so that a report may begin
// later than the ledger did. A ledger that does not run reports all or nothing.
func (l *Ledger) Run(ctx context.Context) {
	ticker := time.NewTicker(pageEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.pages.add(l.read())
		}
	}
}

// read is the page of now.
func (l *Ledger) read() page {
	p := page{usage: map[use]functions.Usage{}, accounts: map[account]figures{}}
	for _, u := range l.platform.Usage() {
		of := use{u.Function, u.Held}
		p.usage[of] = u.Plus(p.usage[of])
	}
	for a, b := range *l.accounts.Load() {
		p.accounts[a] = b.read()
	}
	p.at = time.Now()
	return p
}

// add appends a page and thins those that are older than an hour to one an hour.
func (p *pages) add(newest page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, newest)
	var last time.Time
	p.all = slices.DeleteFunc(p.all, func(old page) bool {
		age := newest.at.Sub(old.at)
		keep := age <= finelyFor || age <= altogether && (last.IsZero() || old.at.Sub(last) >= coarsely)
		if keep {
			last = old.at
		}
		return !keep
	})
}

// before is the newest page not after the given time, else the oldest there is.
func (p *pages) before(since time.Time) page {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, old := range slices.Backward(p.all) {
		if !old.at.After(since) {
			return old
		}
	}
	return p.all[0]
}

// minus is what came after the older page.
func (p page) minus(older page) page {
	d := page{at: p.at, usage: maps.Clone(p.usage), accounts: maps.Clone(p.accounts)}
	for of, u := range older.usage {
		d.usage[of] = d.usage[of].Minus(u)
	}
	for a, f := range older.accounts {
		d.accounts[a] = d.accounts[a].minus(f)
	}
	return d
}
