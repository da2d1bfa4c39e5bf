package gateway

import (
	"sync"

	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/costs"
)

// stay is one request's place in the waiting room with its bill and its picture's
// memory: all end together, and later than the request where its run serves others.
type stay struct {
	*coldstart.Ticket
	bill *costs.Bill
	// giveBack takes the picture's memory back. May be nil.
	giveBack func()
	left     sync.Once
}

// Leave ends the stay. Calling it again does nothing.
func (s *stay) Leave() {
	s.left.Do(func() {
		s.Ticket.Leave()
		s.bill.Settle()
		if s.giveBack != nil {
			s.giveBack()
		}
	})
}
