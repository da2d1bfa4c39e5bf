package report

import (
	"math"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

// Input is all that a report tells. Its JSON is stable: fields are added, never renamed.
type Input struct {
	// Function is what was run, Subject the style whose losses are told apart; default
	// startup-aware.
	Function string  `json:"function"`
	Subject  string  `json:"subject"`
	Traces   []Trace `json:"traces"`
	// Sweep is the same kind of traffic at other rates, rising; the break-even is read
	// off it. It may be empty: then none is told.
	Sweep []Rate `json:"sweep,omitempty"`
	// Knobs are runs with one setting a step away.
	Knobs []Knobs `json:"knobs,omitempty"`
	// Validation holds simulated figures against live ones.
	Validation []Validation `json:"validation,omitempty"`
	Prices     Prices       `json:"prices"`
	Origin     Origin       `json:"origin"`
}

// Trace is one kind of traffic and what each style did with it.
type Trace struct {
	Name   string  `json:"name"`
	Styles []Style `json:"styles"`
}

// Style is one way to run the function on one trace.
type Style struct {
	// Name is lambda, kubernetes or startup-aware, or another's own; Label is what the
	// reader sees, by default made of Name.
	Name  string `json:"name"`
	Label string `json:"label"`
	// Live says that real instances served real requests; else it was simulated.
	Live bool `json:"live,omitzero"`
	// Result has Bars in Latency and a Series, or the figures lack them.
	Result simulate.Result `json:"result"`
	// Cold are the latencies of cold requests alone, in rising order, where they are
	// known apart; with them the cold tail is drawn as such. Default: the Bars of the
	// Result's ColdLatency.
	Cold []simulate.Bar `json:"cold,omitempty"`
	// Phases are the cold-start ledger, in the order in which they happen.
	Phases []Phase `json:"phases,omitempty"`
	// Usage is what is paid for. Where it has no time it is taken from Result.
	Usage Usage `json:"usage"`
}

// Phase is one phase of the cold starts, over all starts of a run.
type Phase struct {
	Name string            `json:"name"`
	P50  functions.Seconds `json:"p50"`
	P95  functions.Seconds `json:"p95"`
}

// Tariff is how time becomes money.
type Tariff string

const (
	// PerInstance pays all the time of instances, for what they hold.
	PerInstance Tariff = "instances"
	// PerRequest pays GB-seconds of requests and starts, and each request, as AWS
	// Lambda does; what is frozen costs nothing.
	PerRequest Tariff = "requests"
)

// Usage is what is paid for, before prices.
type Usage struct {
	Tariff Tariff         `json:"tariff"`
	Held   functions.Held `json:"held"`
	// Work is time with requests, Start that of starts. Idle is time without requests;
	// per request it is the time for which instances were kept initialised by order.
	Work  functions.Seconds `json:"work"`
	Idle  functions.Seconds `json:"idle"`
	Start functions.Seconds `json:"start"`
	// Kept is the part of Work that was done in instances kept initialised by order;
	// only per request, where it has a price of its own.
	Kept     functions.Seconds `json:"kept,omitzero"`
	Requests int64             `json:"requests"`
}

// UsageOf is what a run's result comes to. Per request idle time is not paid for, and
// each request is taken to be as long as it was; [BilledUsage] rounds as AWS does.
func UsageOf(r simulate.Result, t Tariff, held functions.Held) Usage {
	u := Usage{Tariff: t, Held: held, Work: r.Busy, Start: r.Loading, Requests: r.Requests}
	if t == PerInstance {
		u.Idle = r.Idle
	}
	return u
}

// BilledUsage is the time on AWS's bill, to the millisecond, read off the cost of a
// simulated run of style lambda with these prices. It is UsageOf where there is no such
// cost, or where instances were kept initialised by order: their requests have another
// price, and the cost does not tell them apart.
func BilledUsage(r simulate.Result, memory int64, p simulate.Prices) Usage {
	held := functions.Held{Memory: memory}
	u := UsageOf(r, PerRequest, held)
	second := float64(memory) / (1 << 30) * p.Lambda.GBSecond
	if r.Cost.Total > 0 && r.Cost.Idle == 0 && second > 0 {
		u.Work = functions.Seconds(math.Round(float64(r.Cost.Billed) / second * 1e9))
		u.Start = functions.Seconds(math.Round(float64(r.Cost.Wasted) / second * 1e9))
	}
	return u
}

// Rate is what each style uses at a mean rate of requests.
type Rate struct {
	PerSecond float64     `json:"per_second"`
	Styles    []RateStyle `json:"styles"`
}

// RateStyle is one style at one rate.
type RateStyle struct {
	Name  string `json:"name"`
	Usage Usage  `json:"usage"`
}

// Knobs are the variants of one style on one trace: the run that the others are compared
// with (it has no Knob), then one for each step of a knob.
type Knobs struct {
	Trace    string             `json:"trace"`
	Style    string             `json:"style"`
	Variants []simulate.Variant `json:"variants"`
}

// Validation is one figure, measured live and simulated of the same arrivals: Simulated is
// the middle of several runs with other luck, of which nine in ten lie from Low to High.
// Those two may be 0: not known.
type Validation struct {
	Trace     string  `json:"trace"`
	Style     string  `json:"style"`
	Measure   string  `json:"measure"`
	Unit      string  `json:"unit,omitempty"`
	Live      float64 `json:"live"`
	Simulated float64 `json:"simulated"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
}

// Origin is where the numbers come from.
type Origin struct {
	// Command makes the report again.
	Command string    `json:"command"`
	Machine string    `json:"machine"`
	Version string    `json:"version,omitempty"`
	Made    time.Time `json:"made"`
	Seed    uint64    `json:"seed"`
	// Notes say how it was measured and what was left out, a sentence or two each.
	Notes []string `json:"notes,omitempty"`
}
