package costs

import "github.com/seed45885407/saccade/functions"

// Bill is what one request runs up. It belongs to the goroutine of the request. A
// nil Bill is that of a gateway without a ledger and costs nothing.
type Bill struct {
	ledger        *Ledger
	function, key string
	share         functions.Share
	entered       bool
	cost          *functions.Cost // once it is settled
}

// Open begins the bill of a caller's request to a function. It must be settled.
func (l *Ledger) Open(function, key string) *Bill {
	if l == nil {
		return nil
	}
	return &Bill{ledger: l, function: function, key: key}
}

// Enter counts the request into an instance. The returned function counts it out
// again and is called once, with whether the instance answered with success, before
// the request gives its place in the instance back: the next one must not be
// counted in before.
func (b *Bill) Enter(instance string) (leave func(answered bool)) {
	if b == nil {
		return func(bool) {}
	}
	b.entered = true
	out := b.ledger.platform.Occupy(instance)
	return func(answered bool) {
		share := out(answered)
		if share.Held != (functions.Held{}) {
			b.share.Held = share.Held // the instances of one request are of one Revision
		}
		b.share.Busy += share.Busy
		b.share.Start += share.Start
	}
}

// Settle charges the request for the instances it was in, those included that
// failed it: their time was spent on it. nil where it was in none, and so costs
// nothing. Settling again changes nothing.
func (b *Bill) Settle() *functions.Cost {
	if b == nil || !b.entered {
		return nil
	}
	if b.cost == nil {
		b.cost = new(b.ledger.Charge(b.function, b.key, b.share))
	}
	return b.cost
}
