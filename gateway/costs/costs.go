// Package costs reckons what requests and functions cost.
//
// It receives prices, the instance time that a platform counts, and from the
// gateway each request with the instances it was in ([Ledger.Open]). It hands on
// the cost of each request ([Bill.Settle]), totals by function and by caller
// ([Ledger.Report]), and the same as metrics. It refuses to estimate: every
// second comes from the life of an instance, and billed, idle, frozen and wasted
// seconds add up to those lives. It takes no money and turns nobody away.
package costs

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// Platform counts the time of its instances.
type Platform interface {
	// Usage is all time up to now, one element for each function and for what its
	// instances hold. Nothing in it ever goes back.
	Usage() []functions.Usage
	// Occupy counts a request into the named instance, and out again by the function
	// it returns, which is called once with whether the instance has answered with
	// success. Both happen while the request has its place in the instance.
	Occupy(instance string) (leave func(answered bool) functions.Share)
}

// Options bound the ledger; zero means the default.
type Options struct {
	// MaxAccounts is the most accounts, each of a caller with a function; the
	// requests of callers beyond go to the account [Others] of their function.
	// Default 1000.
	MaxAccounts int
}

// Others is the key of the callers that have no account of their own.
const Others = "(others)"

// maxKeyBytes is the longest key that gets an account: who is called otherwise by
// a foreign issuer of tokens is one of the others.
const maxKeyBytes = 128

// Ledger keeps the accounts. Its methods may be called from any goroutine; a nil
// Ledger keeps none and its bills are empty.
type Ledger struct {
	prices      Prices
	platform    Platform
	maxAccounts int
	began       time.Time

	// accounts is replaced whole where an account is new, so that those who charge
	// an account that is there wait for nobody.
	accounts atomic.Pointer[map[account]*balance]
	opening  sync.Mutex

	pages                 pages
	costDesc, secondsDesc *prometheus.Desc
}

// account is what charges are added up by.
type account struct {
	key, function string
	held          functions.Held
}

// balance is what has been charged to an account: nothing but whole numbers, so
// that no order of adding up changes the sum.
type balance struct {
	requests, colds atomic.Int64
	busy, start     atomic.Int64 // nanoseconds
}

// figures are a balance as read.
type figures struct {
	requests, colds int64
	busy, start     time.Duration
}

func (b *balance) read() figures {
	return figures{
		b.requests.Load(), b.colds.Load(),
		time.Duration(b.busy.Load()), time.Duration(b.start.Load()),
	}
}

func (f figures) minus(g figures) figures {
	return figures{f.requests - g.requests, f.colds - g.colds, f.busy - g.busy, f.start - g.start}
}

// New is an empty ledger. The prices have been checked.
func New(prices Prices, platform Platform, opts Options) *Ledger {
	if opts.MaxAccounts == 0 {
		opts.MaxAccounts = 1000
	}
	prices.GPUs = maps.Clone(prices.GPUs)
	l := &Ledger{prices: prices, platform: platform, maxAccounts: opts.MaxAccounts, began: time.Now()}
	l.accounts.Store(&map[account]*balance{})
	l.pages.add(page{at: l.began})
	l.describe()
	return l
}

// Prices are what the ledger reckons with.
func (l *Ledger) Prices() Prices {
	p := l.prices
	p.GPUs = maps.Clone(p.GPUs)
	return p
}

// Charge books a request to its caller's account, with all it took of an instance,
// and returns what that costs.
func (l *Ledger) Charge(function, key string, share functions.Share) functions.Cost {
	f := figures{requests: 1, busy: share.Busy, start: share.Start}
	b := l.balance(account{key, function, share.Held})
	b.requests.Add(1)
	b.busy.Add(int64(f.busy))
	if f.start > 0 {
		b.start.Add(int64(f.start))
		b.colds.Add(1)
	}
	return l.price(share.Held, f)
}

// balance is the account's, opened where it is new.
func (l *Ledger) balance(a account) *balance {
	if len(a.key) > maxKeyBytes {
		a.key = Others
	}
	if b, ok := (*l.accounts.Load())[a]; ok {
		return b
	}
	l.opening.Lock()
	defer l.opening.Unlock()
	all := *l.accounts.Load()
	if _, ok := all[a]; !ok && len(all) >= l.maxAccounts {
		a.key = Others // of these there is one for each function and what it holds
	}
	if b, ok := all[a]; ok {
		return b
	}
	all = maps.Clone(all)
	b := &balance{}
	all[a] = b
	l.accounts.Store(&all)
	return b
}

// price is what figures of an account cost.
func (l *Ledger) price(held functions.Held, f figures) functions.Cost {
	second := l.prices.second(held)
	c := functions.Cost{
		Currency:         l.prices.Currency,
		Serving:          functions.Money(f.busy.Seconds() * second),
		ColdStart:        functions.Money(f.start.Seconds() * second),
		Request:          functions.Money(float64(f.requests) * l.prices.Request),
		ServingSeconds:   functions.Seconds(f.busy),
		ColdStartSeconds: functions.Seconds(f.start),
	}
	c.Total = c.Serving + c.ColdStart + c.Request
	return c
}
