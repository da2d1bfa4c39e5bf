package scaling

import "time"

// LambdaPrices are what AWS Lambda charges, in US dollars.
type LambdaPrices struct {
	// GBSecond is for a GB of memory for a second of an on-demand request or start.
	GBSecond float64
	// Request is for one request, whatever it does.
	Request float64
	// ProvisionedGBSecond is for a GB kept initialised for a second, used or not, and
	// ProvisionedDurationGBSecond for a second of a request there.
	ProvisionedGBSecond, ProvisionedDurationGBSecond float64
}

// DefaultLambdaPrices are those of x86 in us-east-1, first tier, without the free
// tier (aws.amazon.com/lambda/pricing, January 2026).
func DefaultLambdaPrices() LambdaPrices {
	return LambdaPrices{
		GBSecond: 0.0000166667, Request: 0.20 / 1e6,
		ProvisionedGBSecond: 0.0000041667, ProvisionedDurationGBSecond: 0.0000097222,
	}
}

// LambdaBill adds up what AWS would write on the bill of one function. The zero
// LambdaBill is of nothing yet. Each billed duration is rounded up to the
// millisecond by itself. Since 1 August 2025 the time to initialise is billed with
// the request that it was for, in every package type and runtime
// (aws.amazon.com/blogs/compute, "AWS Lambda standardizes billing for INIT Phase");
// container images and runtimes of one's own always were billed so.
type LambdaBill struct {
	Requests int64
	// OnDemand is the billed time of requests and starts, Provisioned that of requests
	// in instances that were kept initialised, Kept the instances' time in which they
	// were kept so.
	OnDemand, Provisioned, Kept time.Duration
}

// Request adds a request that ran for run. init is what its instance took to
// initialise where that was for this request, else 0. It returns the billed duration.
func (b *LambdaBill) Request(init, run time.Duration) (billed time.Duration) {
	billed = billedMillis(init + run)
	b.Requests++
	b.OnDemand += billed
	return billed
}

// Init adds a start that no request took: one that took too long and was begun again,
// or one whose request had gone.
func (b *LambdaBill) Init(init time.Duration) (billed time.Duration) {
	billed = billedMillis(init)
	b.OnDemand += billed
	return billed
}

// ProvisionedRequest adds a request to an instance that was kept initialised.
func (b *LambdaBill) ProvisionedRequest(run time.Duration) (billed time.Duration) {
	billed = billedMillis(run)
	b.Requests++
	b.Provisioned += billed
	return billed
}

// Keep adds instances that were kept initialised for a time. AWS counts the minutes
// of a configuration in steps of five; here they are counted as they are.
func (b *LambdaBill) Keep(instances int, d time.Duration) { b.Kept += time.Duration(instances) * d }

// Cost is the sum in US dollars for instances of so many MB.
func (b *LambdaBill) Cost(memory int, p LambdaPrices) float64 {
	gb := float64(memory) / 1024
	return float64(b.Requests)*p.Request +
		gb*(b.OnDemand.Seconds()*p.GBSecond+b.Provisioned.Seconds()*p.ProvisionedDurationGBSecond+b.Kept.Seconds()*p.ProvisionedGBSecond)
}

// billedMillis rounds up to the millisecond.
func billedMillis(d time.Duration) time.Duration {
	return (max(d, 0) + time.Millisecond - 1).Truncate(time.Millisecond)
}
