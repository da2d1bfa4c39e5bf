package gateway

import (
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/costs"
)

// stay is one request's place in the waiting room with its bill: both end together,
// and later than the request where its run serves others.
type stay struct {
	*coldstart.Ticket
	bill *costs.Bill
}

// Leave ends the stay. Calling it again does nothing.
func (s *stay) Leave() {
	s.Ticket.Leave()
	s.bill.Settle()
}
