package report

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

// Prices are what the report reckons with; each can be changed in the page.
type Prices struct {
	// Currency is an ISO 4217 code. Nothing is converted.
	Currency string `json:"currency"`
	// Core, Memory and GPU are for an hour of a core, of 2^30 bytes and of a device that
	// an instance holds, Call for a million requests: tariff [PerInstance].
	Core   Price `json:"core"`
	Memory Price `json:"memory"`
	GPU    Price `json:"gpu"`
	Call   Price `json:"call"`
	// Lambda is for a million GB-seconds of requests and starts, LambdaCall for a million
	// requests; LambdaKept and LambdaKeptWork are for a million GB-seconds of keeping
	// instances initialised and of requests in such: tariff [PerRequest].
	Lambda         Price `json:"lambda"`
	LambdaCall     Price `json:"lambda_call"`
	LambdaKept     Price `json:"lambda_kept"`
	LambdaKeptWork Price `json:"lambda_kept_work"`
}

// Price is an amount, where it is from, and of when.
type Price struct {
	Amount float64 `json:"amount"`
	Source string  `json:"source"`
	Dated  string  `json:"dated"`
}

// DefaultPrices are the list prices that the simulation reckons with.
func DefaultPrices() Prices {
	const (
		run, runDated = "cloud.google.com/run/pricing, tier 1, instance-based", "2025"
		aws, awsDated = "aws.amazon.com/lambda/pricing, x86, us-east-1, first tier", "January 2026"
		hour, million = 3600, 1e6
	)
	p := simulate.DefaultPrices()
	return Prices{
		Currency:       p.Currency,
		Core:           Price{round(p.CPUSecond * hour), run, runDated},
		Memory:         Price{round(p.GBSecond * hour), run, runDated},
		GPU:            Price{round(p.GPUSecond * hour), run + ", an L4", runDated},
		Call:           Price{round(p.Request * million), run + ": none", runDated},
		Lambda:         Price{round(p.Lambda.GBSecond * million), aws, awsDated},
		LambdaCall:     Price{round(p.Lambda.Request * million), aws, awsDated},
		LambdaKept:     Price{round(p.Lambda.ProvisionedGBSecond * million), aws, awsDated},
		LambdaKeptWork: Price{round(p.Lambda.ProvisionedDurationGBSecond * million), aws, awsDated},
	}
}

// round takes off what multiplying has added in the last places, so that the page shows
// 16.6667 and not 16.666700000000002.
func round(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// namedPrice is a price with its name in JSON and what it is for.
type namedPrice struct {
	Key, For, Per string
	Price
}

// list is all prices in the order in which they are shown.
func (p Prices) list() []namedPrice {
	return []namedPrice{
		{"core", "A core", "an hour", p.Core},
		{"memory", "A GiB of memory", "an hour", p.Memory},
		{"gpu", "A GPU", "an hour", p.GPU},
		{"call", "Requests to instances", "a million", p.Call},
		{"lambda", "Lambda, running and starting", "a million GB-seconds", p.Lambda},
		{"lambda_call", "Lambda, requests", "a million", p.LambdaCall},
		{"lambda_kept", "Lambda, kept initialised", "a million GB-seconds", p.LambdaKept},
		{"lambda_kept_work", "Lambda, running when kept", "a million GB-seconds", p.LambdaKeptWork},
	}
}

// maxPrice is more than anything here costs.
const maxPrice = 1e9

// Check says all that is wrong at once.
func (p Prices) Check() error {
	var errs []error
	for _, price := range p.list() {
		if !(price.Amount >= 0 && price.Amount <= maxPrice) { // no number is neither
			errs = append(errs, fmt.Errorf("the price %s: %v is not between 0 and %v", price.Key, price.Amount, float64(maxPrice)))
		}
	}
	if len(p.Currency) != 3 || strings.ToUpper(p.Currency) != p.Currency {
		errs = append(errs, fmt.Errorf("the currency %q is no code of three capital letters", p.Currency))
	}
	return errors.Join(errs...)
}

// Cost is what one style costs on one trace, by what it is for.
type Cost struct {
	Work     functions.Money `json:"work"`
	Idle     functions.Money `json:"idle"`
	Start    functions.Money `json:"start"`
	Requests functions.Money `json:"requests"`
	Total    functions.Money `json:"total"`
	// PerMillion is for a million requests, Wasted the share of idle and start in Total.
	PerMillion functions.Money `json:"per_million"`
	Wasted     float64         `json:"wasted"`
}

// of is what a usage costs. The page's script has the same in cost().
func (p Prices) of(u Usage) Cost {
	gb := float64(u.Held.Memory) / (1 << 30)
	work, idle, start := u.Work.Seconds(), u.Idle.Seconds(), u.Start.Seconds()
	var c Cost
	if u.Tariff == PerRequest {
		kept := u.Kept.Seconds()
		c.Work = functions.Money(gb * ((work-kept)*p.Lambda.Amount + kept*p.LambdaKeptWork.Amount) / 1e6)
		c.Idle = functions.Money(gb * idle * p.LambdaKept.Amount / 1e6)
		c.Start = functions.Money(gb * start * p.Lambda.Amount / 1e6)
		c.Requests = functions.Money(float64(u.Requests) * p.LambdaCall.Amount / 1e6)
	} else {
		second := (u.Held.CPU*p.Core.Amount + gb*p.Memory.Amount + u.Held.GPUs*p.GPU.Amount) / 3600
		c.Work = functions.Money(work * second)
		c.Idle = functions.Money(idle * second)
		c.Start = functions.Money(start * second)
		c.Requests = functions.Money(float64(u.Requests) * p.Call.Amount / 1e6)
	}
	c.Total = c.Work + c.Idle + c.Start + c.Requests
	if u.Requests > 0 {
		c.PerMillion = c.Total / functions.Money(u.Requests) * 1e6
	}
	if c.Total > 0 {
		c.Wasted = math.Min(1, float64((c.Idle+c.Start)/c.Total))
	}
	return c
}
