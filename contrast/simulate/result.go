package simulate

import (
	"github.com/seed45885407/saccade/functions"
)

// Result is what one run of one function came to, and in a [FleetResult] what all
// functions together came to. Its JSON is stable: fields are added, never renamed.
// Times are in seconds, costs in units of Currency.
type Result struct {
	// Function, Policy (kpa, startup-aware or lambda) and Trace name what ran; any of
	// them may be empty where nobody named it.
	Function string `json:"function,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Trace    string `json:"trace,omitempty"`
	Seed     uint64 `json:"seed"`
	// For is how long was measured.
	For functions.Seconds `json:"for"`

	// Requests is how many were served: all that came, less Refused.
	Requests int64 `json:"requests"`
	// Cold is how many of them arrived before the instance that took them was ready.
	Cold int64 `json:"cold"`
	// Refused is how many found as many requests there as may be at a time.
	Refused int64 `json:"refused,omitzero"`
	// Retried is how many were sent again because their instance was lost; one that
	// was lost twice counts twice.
	Retried int64 `json:"retried,omitzero"`

	// Starts is how many instances were started; FailedStarts of them never became
	// ready, Lost were ready and died, by themselves or with their node, and Withdrawn
	// were given up before a node had place for them.
	Starts       int64 `json:"starts"`
	FailedStarts int64 `json:"failed_starts,omitzero"`
	Lost         int64 `json:"lost,omitzero"`
	Withdrawn    int64 `json:"withdrawn,omitzero"`
	// Pulls is how many starts had to fetch image and model onto their node first.
	Pulls int64 `json:"pulls,omitzero"`
	// Peak is the most instances at a time: pending, loading, ready and finishing
	// ones. Of a fleet it is the highest average over a step of Series.
	Peak int64 `json:"peak"`

	// Instances is Loading + Busy + Idle, summed over instances until the end of the
	// measured time: what is paid for on a cluster.
	Instances functions.Seconds `json:"instances"`
	// Loading is the time before instances were ready, or had failed; Busy that with one
	// request or more, Idle the rest.
	Loading functions.Seconds `json:"loading"`
	Busy    functions.Seconds `json:"busy"`
	Idle    functions.Seconds `json:"idle"`
	// Pending is the time in which instances waited for a node with place. They hold
	// nothing then, so it is not part of Instances.
	Pending functions.Seconds `json:"pending,omitzero"`

	// Wait is from a request's arrival until an instance took it (for good, where it was
	// sent again), Latency until it was served. ColdLatency is that of the Cold requests
	// alone: where they are few no average of all shows them.
	Wait        Spread `json:"wait"`
	Latency     Spread `json:"latency"`
	ColdLatency Spread `json:"cold_latency,omitzero"`

	// Currency is an ISO 4217 code; Cost is zero where no prices were given. On a cluster
	// Billed is busy time, Idle idle time, Wasted the time before instances were ready.
	// In style lambda it is AWS's bill: Billed is the requests' own time, Idle what
	// keeping instances initialised costs, Wasted the billed initialisation.
	Currency string              `json:"currency,omitempty"`
	Cost     functions.MoneyCost `json:"cost,omitzero"`

	// Series is the run over time, and Step how long each of its points is; only where
	// Config.Points asked for it.
	Step   functions.Seconds `json:"step,omitzero"`
	Series []Point           `json:"series,omitempty"`

	// Handled is how many events the simulation went through: arrivals, ends, starts,
	// failures and decisions.
	Handled int64 `json:"handled"`
}

// Spread is a distribution of times. Percentiles are by nearest rank: the least value
// that as many in a hundred did not exceed. They are exact up to 2,048 values; above
// that they are at most 1/128 too high, never too low, and Mean and Max stay exact.
type Spread struct {
	Mean functions.Seconds `json:"mean"`
	P50  functions.Seconds `json:"p50"`
	P90  functions.Seconds `json:"p90"`
	P95  functions.Seconds `json:"p95"`
	P99  functions.Seconds `json:"p99"`
	P999 functions.Seconds `json:"p999"`
	Max  functions.Seconds `json:"max"`
	// Bars is the whole distribution in rising order, where Config.Points asked for
	// detail: their counts add up to all values.
	Bars []Bar `json:"bars,omitempty"`
}

// Bar is how many values were above the last bar's UpTo and not above its own.
type Bar struct {
	UpTo  functions.Seconds `json:"up_to"`
	Count int64             `json:"count"`
}

// Point is one step of a run: counts within it, and averages over it.
type Point struct {
	// At is when the step begins.
	At functions.Seconds `json:"at"`
	// Arrivals came within the step; Cold were served within it by an instance that was
	// not ready when they arrived.
	Arrivals int64 `json:"arrivals"`
	Cold     int64 `json:"cold,omitzero"`
	Starts   int64 `json:"starts,omitzero"`
	// Waiting is requests; the rest are instances.
	Waiting float64 `json:"waiting"`
	Pending float64 `json:"pending,omitzero"`
	Loading float64 `json:"loading"`
	Busy    float64 `json:"busy"`
	Idle    float64 `json:"idle"`
}

// FleetResult is what a [Fleet] came to.
type FleetResult struct {
	// Total has sums, and the spreads over all requests of all functions.
	Total Result `json:"total"`
	// Each is the functions' own results, in their order, without Series and Bars.
	Each []Result `json:"each"`
	// Nodes is nil where there was no bound of nodes.
	Nodes *NodesResult `json:"nodes,omitempty"`
}

// NodesResult is what happened on the cluster's nodes.
type NodesResult struct {
	Nodes    int    `json:"nodes"`
	Strategy string `json:"strategy"`
	// Failures is how many times a node failed, Down the time that nodes were away,
	// summed over nodes.
	Failures int64             `json:"failures,omitzero"`
	Down     functions.Seconds `json:"down,omitzero"`
	// Placed is how many instances were given a node, Waited how many of them not at
	// once, and PeakPending the most that waited at a time.
	Placed      int64 `json:"placed"`
	Waited      int64 `json:"waited,omitzero"`
	PeakPending int64 `json:"peak_pending,omitzero"`
	// CPU, Memory and GPU are the shares of the nodes' own that instances held, 0 to 1,
	// averaged over the measured time.
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
	GPU    float64 `json:"gpu,omitzero"`
}

// Variant is a run with one knob a step away from where it was.
type Variant struct {
	// Knob is the setting's name as function.yaml has it, Value what it was set to. The
	// run that the others are compared with has neither.
	Knob  string `json:"knob,omitempty"`
	Value string `json:"value,omitempty"`
	// P99 is of the latency: what a knob does to the time in an instance counts, too. Cost is
	// the total, or instance-seconds where there are no prices.
	P99  functions.Seconds `json:"p99"`
	Cost functions.Money   `json:"cost"`
	// Result is the run, without Series and Bars.
	Result Result `json:"result"`
}
