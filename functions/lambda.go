package functions

import (
	"fmt"
	"math"
	"time"
)

// The styles: whose rules say how instances and requests meet.
const (
	StyleKubernetes = "kubernetes"
	StyleLambda     = "lambda"
)

// Lambda is what a function of style lambda may set: what AWS Lambda lets one set,
// and two things that AWS decides itself.
type Lambda struct {
	// Memory is the instance's size in MB, 128 to 10240, and the only one: CPU comes
	// in proportion, 1,769 MB a core. Default 1769.
	Memory int `json:"memory,omitempty"`
	// ReservedConcurrency is the most requests at a time, and so the most instances;
	// one more is refused with status 429. Default 0: as many as the account allows,
	// which on one machine is what --max-instances says.
	ReservedConcurrency int `json:"reservedConcurrency,omitempty"`
	// ProvisionedConcurrency is how many instances are kept initialised, requests or
	// none. Default 0.
	ProvisionedConcurrency int `json:"provisionedConcurrency,omitempty"`
	// KeepAlive is how long an instance stays frozen without a request before it is
	// reclaimed. AWS promises no such time; 5 to 7 minutes have been measured.
	// Default 6m.
	KeepAlive Duration `json:"keepAlive,omitempty"`
	// VersionWeight is the share of requests, in percent, that a new version gets
	// while the one before it answers the rest, as a weighted alias has it. Default
	// 100: all.
	VersionWeight float64 `json:"versionWeight,omitempty"`
}

// What AWS Lambda fixes, or has as its quota. Sources, all under
// docs.aws.amazon.com/lambda/latest/dg: configuration-memory.html (memory and CPU),
// lambda-runtime-environment.html (the phases), gettingstarted-limits.html (quotas).
const (
	LambdaDefaultMemory    = 1769
	LambdaMemoryPerCore    = 1769 // MB
	LambdaDefaultKeepAlive = 6 * time.Minute
	LambdaDefaultWeight    = 100 // percent
	// LambdaInitTimeout is how long an instance may take to initialise. One that
	// takes longer is begun again, once, and may then take the function's Timeout.
	LambdaInitTimeout = 10 * time.Second
	// LambdaProvisionedInitTimeout is the same of provisioned instances, where the
	// function's Timeout is not longer.
	LambdaProvisionedInitTimeout = 130 * time.Second
	// LambdaMaxTimeout is the longest Timeout.
	LambdaMaxTimeout = 15 * time.Minute
	// LambdaAccountConcurrency is an account's requests at a time, all functions
	// together, unless AWS was asked for more.
	LambdaAccountConcurrency = 1000
	// LambdaMaxPayload is the most bytes of one request, and of one answer.
	LambdaMaxPayload = 6 << 20
)

// IsLambda says that s is of style lambda.
func (s Scaling) IsLambda() bool { return s.Style == StyleLambda }

// MaxPayload is the most bytes that an instance is sent, or answers, at a time; 0
// where the style has no such bound.
func (s Scaling) MaxPayload() int64 {
	if s.IsLambda() {
		return LambdaMaxPayload
	}
	return 0
}

// Cores is how much CPU an instance has: its memory over 1,769 MB.
func (l Lambda) Cores() float64 { return float64(l.Memory) / LambdaMemoryPerCore }

// Resources are what Memory comes to: CPU in thousandths of a core, rounded up.
func (l Lambda) Resources() Resources {
	thousandths := int(math.Ceil(1000*l.Cores() - 1e-9))
	cpu := fmt.Sprintf("%dm", thousandths)
	if thousandths%1000 == 0 {
		cpu = fmt.Sprint(thousandths / 1000)
	}
	return Resources{CPU: cpu, Memory: fmt.Sprintf("%dMi", l.Memory)}
}

// withLambdaDefaults fills what style lambda leaves open, and of the other settings
// those that follow from it.
func (s *Spec) withLambdaDefaults() {
	c, l := &s.Scaling, &s.Scaling.Lambda
	orDefault(&l.Memory, LambdaDefaultMemory)
	orDefault(&l.KeepAlive, Duration(LambdaDefaultKeepAlive))
	orDefault(&l.VersionWeight, LambdaDefaultWeight)
	// One request at a time has all the instance's whole cores.
	orDefault(&s.Runtime.Threads, max(1, int(l.Cores())))
	s.Runtime.Parallel, c.ContainerConcurrency = 1, 1
	c.MinScale, c.MaxScale = l.ProvisionedConcurrency, l.ReservedConcurrency
	s.Resources = l.Resources()
	orDefault(&c.StartTimeout, Duration(LambdaInitTimeout))
}
