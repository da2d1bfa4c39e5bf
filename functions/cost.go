package functions

import (
	"cmp"
	"math"
	"strconv"
	"time"
)

// Cost is what one request cost.
type Cost struct {
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
	// Total is Serving + ColdStart + Request.
	Total Money `json:"total"`
	// Serving is for the time in ready instances, ColdStart for the request's share
	// of the starts it waited for, Request for the request as such.
	Serving   Money `json:"serving"`
	ColdStart Money `json:"cold_start"`
	Request   Money `json:"request"`
	// ServingSeconds and ColdStartSeconds are the instance time of the first two.
	ServingSeconds   Seconds `json:"serving_seconds"`
	ColdStartSeconds Seconds `json:"cold_start_seconds"`
}

// Plus is the cost of c and d together, in the currency of either.
func (c Cost) Plus(d Cost) Cost {
	return Cost{
		Currency: cmp.Or(c.Currency, d.Currency),
		Total:    c.Total + d.Total, Serving: c.Serving + d.Serving,
		ColdStart: c.ColdStart + d.ColdStart, Request: c.Request + d.Request,
		ServingSeconds: c.ServingSeconds + d.ServingSeconds, ColdStartSeconds: c.ColdStartSeconds + d.ColdStartSeconds,
	}
}

// CostReport says what functions and callers have cost in a stretch of time.
type CostReport struct {
	Currency string `json:"currency"`
	// Since and Until bound the stretch. Since is the reading nearest to the time
	// asked for.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Functions are sorted by name; absent where the report is of one caller, since
	// idle and wasted time is nobody's.
	Functions []FunctionCost `json:"functions,omitempty"`
	// Keys are sorted by key and function.
	Keys []KeyCost `json:"keys"`
}

// FunctionCost is what a function's instances have cost.
type FunctionCost struct {
	Function string `json:"function"`
	// Requests were in an instance and are over; ColdStarts counts instances that
	// became ready.
	Requests   int64       `json:"requests"`
	ColdStarts int64       `json:"cold_starts"`
	Seconds    SecondsCost `json:"seconds"`
	Cost       MoneyCost   `json:"cost"`
}

// SecondsCost is instance time by what it was for. Billed, Idle, Frozen and Wasted
// are apart and add up to Total.
type SecondsCost struct {
	Billed Seconds `json:"billed"`
	Idle   Seconds `json:"idle"`
	Frozen Seconds `json:"frozen,omitzero"`
	Wasted Seconds `json:"wasted"`
	// Failed is inside Wasted: instances that were never ready.
	Failed Seconds `json:"failed,omitzero"`
	Total  Seconds `json:"total"`
}

// MoneyCost is what the seconds cost, and the requests; they add up to Total.
type MoneyCost struct {
	Billed  Money `json:"billed"`
	Idle    Money `json:"idle"`
	Frozen  Money `json:"frozen,omitzero"`
	Wasted  Money `json:"wasted"`
	Request Money `json:"request"`
	Total   Money `json:"total"`
}

// KeyCost is what the requests of one caller to one function have cost. The
// shares of cold starts in it are part of what the function has as wasted.
type KeyCost struct {
	// Key is the caller's name, empty for callers without one.
	Key      string `json:"key"`
	Function string `json:"function"`
	Requests int64  `json:"requests"`
	// ColdStarts counts requests that carry a share of a start.
	ColdStarts int64 `json:"cold_starts"`
	// Cost is the sum over the requests.
	Cost Cost `json:"cost"`
}

// leastMoney is what rounds to nothing: a request of a microsecond on a hundredth
// of a core still costs something.
const leastMoney = 1e-15

// Money is an amount in units of its currency.
type Money float64

// String is m as a plain decimal without an exponent, 0.0000012: twelve digits at
// most, for what follows is of the binary fraction.
func (m Money) String() string {
	if !(math.Abs(float64(m)) >= leastMoney) || math.IsInf(float64(m), 0) {
		return "0"
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(float64(m), 'e', 11, 64), 64)
	if err != nil { // as large as floats get
		rounded = float64(m)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// MarshalJSON writes a plain decimal.
func (m Money) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }
