package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/costs"
)

// stay is one request's place in the waiting room with its bill and its picture's
// memory. Place and bill end together, and later than the request where its run serves
// others; the memory when the request is over too, for it may need another place.
type stay struct {
	*coldstart.Ticket
	bill *costs.Bill
	// giveBack takes the picture's memory back. May be nil.
	giveBack func()
	left     sync.Once
	// places are those that were begun and not left. The request, which looks at the
	// picture too, is none, and counts as -1 once it is over.
	places atomic.Int32
}

// begin is a place of the request: its first, or another one after that was left.
func (s *stay) begin(ticket *coldstart.Ticket, bill *costs.Bill) {
	s.Ticket, s.bill, s.left = ticket, bill, sync.Once{}
	s.places.Add(1)
}

// Leave ends the place. Calling it again does nothing.
func (s *stay) Leave() {
	s.left.Do(func() {
		s.Ticket.Leave()
		s.bill.Settle()
		s.drop()
	})
}

// drop is called by the request and by each place when they are over: the last of them
// gives the picture's memory back.
func (s *stay) drop() {
	if s.places.Add(-1) < 0 && s.giveBack != nil {
		s.giveBack()
	}
}
