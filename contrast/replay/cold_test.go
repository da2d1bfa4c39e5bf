package replay

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestWhoWaitedAtTheGatewayForAStartIsColdToo(t *testing.T) {
	request := func(at, wait time.Duration, start *functions.Start) Request {
		q := Request{At: at, Cold: start != nil}
		q.Timing.Wait, q.Timing.Start = functions.Millis(wait), start
		return q
	}
	start := &functions.Start{Load: functions.Millis(time.Second)}
	all := []Request{
		request(1, 1000, start),  // ready at 1001
		request(10, 2000, nil),   // waited for it at the gateway
		request(20, 0, nil),      // another instance took it at once
		request(1500, 3000, nil), // came later, and waited for others
	}
	markCold(all)
	for n, want := range []bool{true, true, false, false} {
		if all[n].Cold != want {
			t.Errorf("request %d is cold: %v", n, all[n].Cold)
		}
	}
}
