package simulate

import (
	"math"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Prices are what instances and requests cost, in units of Currency.
type Prices struct {
	// Currency is an ISO 4217 code. It is shown, nothing is converted.
	Currency string `json:"currency"`
	// CPUSecond is for one core for a second, GBSecond for 2^30 bytes of memory,
	// GPUSecond for one GPU; Request is for each request.
	CPUSecond float64 `json:"cpu_second"`
	GBSecond  float64 `json:"gb_second"`
	GPUSecond float64 `json:"gpu_second"`
	Request   float64 `json:"request"`
	// Lambda is for style lambda.
	Lambda scaling.LambdaPrices `json:"lambda"`
}

// DefaultPrices are list prices without discounts: instances as Google Cloud Run sells
// them where they are paid for whether they work or not, regions of tier 1, an L4 for
// the GPU, as listed in 2025 (cloud.google.com/run/pricing); Lambda as
// [scaling.DefaultLambdaPrices] says.
func DefaultPrices() Prices {
	return Prices{Currency: "USD", CPUSecond: 0.000018, GBSecond: 0.000002, GPUSecond: 0.0001867, Lambda: scaling.DefaultLambdaPrices()}
}

// second is what an instance costs in a second.
func (p Prices) second(h functions.Held) float64 {
	return h.CPU*p.CPUSecond + float64(h.Memory)/(1<<30)*p.GBSecond + h.GPUs*p.GPUSecond
}

// bill is AWS's, as far as it is not a matter of time alone. init is the part of it that
// was for initialising.
type bill struct {
	scaling.LambdaBill
	init time.Duration
	runs time.Duration // of on-demand requests by themselves, each rounded up
}

// ready is told of an instance whose start is over; a start that a request waits for is
// billed with that.
func (b *bill) ready(i *instance) {
	if !i.waitedFor {
		b.failed(i)
	}
}

// failed is told of a start that came to nothing.
func (b *bill) failed(i *instance) {
	if !i.provisioned {
		b.init += b.Init(i.takes)
	}
}

// served is told of each request that is over. i.takes is billed with the first.
func (b *bill) served(i *instance, run time.Duration) {
	if i.provisioned {
		b.ProvisionedRequest(run)
		return
	}
	var init time.Duration
	if i.waitedFor {
		init, i.waitedFor = i.takes, false
	}
	billed := b.Request(init, run)
	alone := time.Duration(math.Ceil(float64(run)/float64(time.Millisecond))) * time.Millisecond
	b.runs += alone
	b.init += billed - alone
}

// cost is what a run came to, by the rules of its style.
func (s *simulation) cost(r Result) functions.MoneyCost {
	var c functions.MoneyCost
	if s.Memory > 0 {
		p := s.Prices.Lambda
		gb := float64(s.Memory) / 1024
		s.bill.Kept = 0
		s.bill.Keep(s.Provisioned, s.For)
		c.Request = functions.Money(float64(s.bill.Requests) * p.Request)
		c.Billed = functions.Money(gb * (s.bill.runs.Seconds()*p.GBSecond + s.bill.Provisioned.Seconds()*p.ProvisionedDurationGBSecond))
		c.Wasted = functions.Money(gb * s.bill.init.Seconds() * p.GBSecond)
		c.Idle = functions.Money(gb * s.bill.Kept.Seconds() * p.ProvisionedGBSecond)
		c.Total = functions.Money(s.bill.Cost(s.Memory, p))
		return c
	}
	second := s.Prices.second(s.Held)
	c.Billed = functions.Money(second * r.Busy.Seconds())
	c.Idle = functions.Money(second * r.Idle.Seconds())
	c.Wasted = functions.Money(second * r.Loading.Seconds())
	c.Request = functions.Money(float64(r.Requests) * s.Prices.Request)
	c.Total = c.Billed + c.Idle + c.Wasted + c.Request
	return c
}
