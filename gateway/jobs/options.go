package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed45885407/saccade/gateway/fetch"
)

// Options say where jobs are kept, how often and how long each is tried, and where
// answers may go. Zero means the default.
type Options struct {
	// Dir is the folder of the store in this process; one process may have it at a
	// time. Needed where URL is empty.
	Dir string `yaml:"dir"`
	// URL is a NATS cluster with JetStream to be used instead, or several, with
	// commas between them. Default: none, the store is in this process.
	URL string `yaml:"url"`
	// Credentials is the file with the NATS user's credentials. Default: none.
	Credentials string `yaml:"credentials"`
	// Replicas is how many servers of the cluster keep each job, 1, 3 or 5. Default 1.
	Replicas int `yaml:"replicas"`
	// MinFree is the fewest free bytes of the store's disk with which jobs are
	// accepted; what is left is for outcomes of those that were. Default 64 MiB;
	// negative: none.
	MinFree int64 `yaml:"minFree"`
	// MaxInline is the most bytes of a job, or an answer, that go into a stream; what
	// is larger lies in an object store beside it. Default 512 KiB.
	MaxInline int `yaml:"maxInline"`
	// MaxAccepting is the most bytes of requests that are being accepted at a time.
	// Default 256 MiB.
	MaxAccepting int64 `yaml:"maxAccepting"`
	// MaxQueued is the most jobs of one function that wait. Default 100,000.
	MaxQueued int64 `yaml:"maxQueued"`
	// StoreTimeout is how long one write to the store may take. Default 5s.
	StoreTimeout time.Duration `yaml:"storeTimeout"`

	// ParallelOf is how many jobs of a function are worked on at a time by this
	// process. It may change. Default: 4 of each.
	ParallelOf func(function string) int `yaml:"-"`
	// AttemptTimeout is how long one attempt may take, a cold start included.
	// Default 5m.
	AttemptTimeout time.Duration `yaml:"attemptTimeout"`
	// MaxAttempts is how often a job is tried that fails by its own fault, or by one
	// of ours; waiting for a function that is busy or not available is not counted.
	// Default 5.
	MaxAttempts int `yaml:"maxAttempts"`
	// MaxAge is how long after its acceptance a job is given up, where it has no
	// earlier deadline. Default 24h.
	MaxAge time.Duration `yaml:"maxAge"`
	// Lease is how long a process may be silent about a job before another takes it.
	// Default 30s.
	Lease time.Duration `yaml:"lease"`
	// Drain is how long what is worked on may take to end when Run stops. Default 20s.
	Drain time.Duration `yaml:"drain"`
	// Backoff is the pause after a first failure, doubled after each further one up
	// to MaxBackoff; each pause is a random part of that. Default 1s.
	Backoff time.Duration `yaml:"backoff"`
	// MaxBackoff is the longest pause. Default 5m.
	MaxBackoff time.Duration `yaml:"maxBackoff"`
	// KeepFor is how long a job can be read after its last change, and its event is
	// known to have been accepted. Default 24h, at least 1h.
	KeepFor time.Duration `yaml:"keepFor"`
	// KeepDead is how long dead letters are kept. Default 14 days.
	KeepDead time.Duration `yaml:"keepDead"`

	// Source begins the source of events that tell of a failure; the function's path
	// follows it. Default /saccade.
	Source string `yaml:"-"`
	// Sink is the URL that answers go to where the job names none. Default: none.
	Sink string `yaml:"sink"`
	// Overrides are extension attributes set on every event that goes to a sink.
	Overrides map[string]string `yaml:"overrides"`
	// SinkParallel is how many answers are on their way to one sink at a time.
	// Default 8.
	SinkParallel int `yaml:"sinkParallel"`
	// SinkTimeout is how long one delivery may take. Default 10s.
	SinkTimeout time.Duration `yaml:"sinkTimeout"`
	// SinkMaxAge is how long an answer is tried to be delivered. Default 24h.
	SinkMaxAge time.Duration `yaml:"sinkMaxAge"`
	// Client sends to the operator's http and https sinks. Default: one of its own.
	Client *http.Client `yaml:"-"`
	// Publishers send to sinks of other schemes, by scheme. Default: none.
	Publishers map[string]Publisher `yaml:"-"`
	// Callbacks are the URLs that callers may have answers sent to, as
	// scheme://host[:port]/path; the host may be *.suffix, and what begins with the
	// path is allowed. Default: none.
	Callbacks []string `yaml:"callbacks"`
	// Guard looks at every address that a callback is sent to; without it there are
	// no callbacks.
	Guard *fetch.Fetcher `yaml:"-"`

	// Noticed is told what went wrong and was dealt with, for the log. Default:
	// nobody.
	Noticed func(error) `yaml:"-"`
}

// Defaults of [Options].
const (
	DefaultMinFree        = 64 << 20
	DefaultMaxInline      = 512 << 10
	DefaultMaxAccepting   = 256 << 20
	DefaultMaxQueued      = 100_000
	DefaultStoreTimeout   = 5 * time.Second
	DefaultParallel       = 4
	DefaultAttemptTimeout = 5 * time.Minute
	DefaultMaxAttempts    = 5
	DefaultMaxAge         = 24 * time.Hour
	DefaultLease          = 30 * time.Second
	DefaultDrain          = 20 * time.Second
	DefaultBackoff        = time.Second
	DefaultMaxBackoff     = 5 * time.Minute
	DefaultKeepFor        = 24 * time.Hour
	DefaultKeepDead       = 14 * 24 * time.Hour
	DefaultSinkParallel   = 8
	DefaultSinkTimeout    = 10 * time.Second
	DefaultSinkMaxAge     = 24 * time.Hour
)

func (o Options) withDefaults() (Options, error) {
	o.Replicas = cmp.Or(o.Replicas, 1)
	o.MinFree = cmp.Or(o.MinFree, DefaultMinFree)
	o.MaxInline = cmp.Or(o.MaxInline, DefaultMaxInline)
	o.MaxAccepting = cmp.Or(o.MaxAccepting, DefaultMaxAccepting)
	o.MaxQueued = cmp.Or(o.MaxQueued, DefaultMaxQueued)
	o.StoreTimeout = cmp.Or(o.StoreTimeout, DefaultStoreTimeout)
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, DefaultAttemptTimeout)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, DefaultMaxAttempts)
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	o.Drain = cmp.Or(o.Drain, DefaultDrain)
	o.Backoff = cmp.Or(o.Backoff, DefaultBackoff)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, DefaultMaxBackoff)
	o.KeepFor = cmp.Or(o.KeepFor, DefaultKeepFor)
	o.KeepDead = cmp.Or(o.KeepDead, DefaultKeepDead)
	o.Source = cmp.Or(o.Source, "/saccade")
	o.SinkParallel = cmp.Or(o.SinkParallel, DefaultSinkParallel)
	o.SinkTimeout = cmp.Or(o.SinkTimeout, DefaultSinkTimeout)
	o.SinkMaxAge = cmp.Or(o.SinkMaxAge, DefaultSinkMaxAge)
	if o.ParallelOf == nil {
		o.ParallelOf = func(string) int { return DefaultParallel }
	}
	if o.Noticed == nil {
		o.Noticed = func(error) {}
	}
	return o, o.check()
}

func (o Options) check() error {
	var faults []error
	need := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New(fault))
		}
	}
	need(o.Dir != "" || o.URL != "", "jobs need a folder or the URL of a NATS cluster")
	need(o.Replicas == 1 || o.URL != "", "more than one replica needs a NATS cluster")
	need(o.Replicas >= 1 && o.Replicas <= 5, "replicas are 1 to 5")
	// A pause must not outlive what says that the job is not forgotten.
	need(o.KeepFor >= time.Hour && o.MaxBackoff <= o.KeepFor/2 && o.AttemptTimeout <= o.KeepFor/2,
		"jobs must be kept for an hour at least, and for twice the longest pause and attempt")
	need(o.Lease >= 100*time.Millisecond, "the lease is too short")
	for _, d := range []time.Duration{o.AttemptTimeout, o.Backoff, o.MaxBackoff, o.MaxAge, o.KeepDead, o.StoreTimeout, o.SinkTimeout, o.SinkMaxAge, o.Drain} {
		need(d > 0, "times must be positive")
	}
	need(o.MaxInline > 0 && o.MaxInline <= maxPayload/2, fmt.Sprintf("what goes into a stream has at most %d bytes", maxPayload/2))
	need(o.MaxAttempts > 0 && o.SinkParallel > 0 && o.MaxQueued > 0, "attempts, parallel deliveries and waiting jobs must be positive")
	return errors.Join(faults...)
}

// ParseOverrides reads the extension attributes that Knative's SinkBinding asks for
// in the variable K_CE_OVERRIDES: {"extensions":{"name":"value"}}.
func ParseOverrides(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	var overrides struct {
		Extensions map[string]string `json:"extensions"`
	}
	if err := json.Unmarshal([]byte(text), &overrides); err != nil {
		return nil, fmt.Errorf("reading the overrides of events: %w", err)
	}
	for name := range overrides.Extensions {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return nil, fmt.Errorf("the override %.64q is no name of an extension attribute", name)
		}
	}
	return overrides.Extensions, nil
}
