package scaling_test

import (
	"math"
	"testing"
	"time"

	"github.com/seed45885407/saccade/knative/scaling"
)

func TestLambdaBillsToTheMillisecond(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for _, test := range []struct {
		name   string
		add    func(*scaling.LambdaBill) time.Duration
		billed time.Duration
	}{
		{"a request is rounded up", func(b *scaling.LambdaBill) time.Duration { return b.Request(0, 12*ms+1) }, 13 * ms},
		{"one of whole milliseconds is not", func(b *scaling.LambdaBill) time.Duration { return b.Request(0, 12*ms) }, 12 * ms},
		{"start and request are rounded together", func(b *scaling.LambdaBill) time.Duration { return b.Request(100*ms+770*us, 182*ms+810*us) }, 284 * ms},
		{"a start without a request is billed", func(b *scaling.LambdaBill) time.Duration { return b.Init(10*time.Second + us) }, 10001 * ms},
		{"a provisioned one is billed for its run", func(b *scaling.LambdaBill) time.Duration { return b.ProvisionedRequest(us) }, ms},
		{"nothing is nothing", func(b *scaling.LambdaBill) time.Duration { return b.Request(0, 0) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b scaling.LambdaBill
			if got := test.add(&b); got != test.billed || b.OnDemand+b.Provisioned != test.billed {
				t.Errorf("billed %v, sum %+v; want %v", got, b, test.billed)
			}
		})
	}
}

// AWS's own example: three million requests of 120 ms at 1,536 MB come to 540,000
// GB-seconds, 9.00 dollars, and 0.60 for the requests; without its free tier.
func TestLambdaBillOfAMonth(t *testing.T) {
	var b scaling.LambdaBill
	for range 3_000_000 {
		b.Request(0, 120*time.Millisecond)
	}
	p := scaling.DefaultLambdaPrices()
	if got := b.Cost(1536, p); math.Abs(got-9.60) > 0.005 {
		t.Errorf("%.4f dollars, want 9.60", got)
	}
	b = scaling.LambdaBill{}
	b.Keep(10, time.Hour)
	b.ProvisionedRequest(time.Second)
	want := 2*(36000*0.0000041667+0.0000097222) + 0.0000002
	if got := b.Cost(2048, p); math.Abs(got-want) > 1e-9 {
		t.Errorf("provisioned: %.7f dollars, want %.7f", got, want)
	}
}
