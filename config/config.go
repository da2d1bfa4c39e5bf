// Package config is what an operator may set of the saccade program: one struct,
// every field with its meaning, unit, default and what zero means.
//
// It receives the environment's variables and a YAML file ([Load]), and hands on
// values that [Saccade.Validate] has checked together. It refuses fields that do
// not exist. Mains alone import it; every other package gets the few options it
// needs as arguments. What a room needs many options of it declares itself, and
// the file has them under the room's name.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/costs"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
	"github.com/seed45885407/saccade/sources"
)

// Environment variables that are defaults of flags.
const (
	EnvGateway     = "SACCADE_GATEWAY"
	EnvFunctions   = "SACCADE_FUNCTIONS"
	EnvCache       = "SACCADE_CACHE"
	EnvRuntime     = "SACCADE_RUNTIME"
	EnvModelMirror = "SACCADE_MODEL_MIRROR"
	EnvConfig      = "SACCADE_CONFIG"
	EnvAPIKey      = "SACCADE_API_KEY"
	// EnvSink and EnvOverrides are what Knative's SinkBinding sets.
	EnvSink      = "K_SINK"
	EnvOverrides = "K_CE_OVERRIDES"
)

// DefaultListen is where a gateway listens and where its client looks for it.
const DefaultListen = "127.0.0.1:8080"

// Saccade is the configuration of a gateway with its platform.
type Saccade struct {
	// Listen is the TCP address of the gateway. Default 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// Functions are folders with one folder a function, beside the shipped ones; a
	// later one wins. Default: SACCADE_FUNCTIONS, a list as PATH is one, and
	// saccade/functions in the user's configuration folder where that exists.
	Functions []string `yaml:"functions"`
	// Cache is the folder for models and optimised graphs. Default: SACCADE_CACHE,
	// else saccade in the user's cache folder.
	Cache string `yaml:"cache"`
	// Runtime is the saccade-runtime program. Default: SACCADE_RUNTIME, else the one
	// beside this program, else the one in PATH.
	Runtime string `yaml:"runtime"`
	// ModelMirror is a folder or http(s) URL where model files are looked for by
	// name before their origin is asked. Default: SACCADE_MODEL_MIRROR; empty: none.
	ModelMirror string `yaml:"modelMirror"`
	// MaxInstances bounds the instances of one function. Default (0): as many as
	// keep every CPU busy, at least one.
	MaxInstances int `yaml:"maxInstances"`
	// MaxPictureBytes is the most bytes of one picture. Default 20 MB.
	MaxPictureBytes int64 `yaml:"maxPictureBytes"`
	// MaxWaiting is the most requests of one function that wait for an instance.
	// Default 256.
	MaxWaiting int `yaml:"maxWaiting"`
	// MaxWaitingBytes is the most bytes of pictures held at a time. Default 256 MiB.
	MaxWaitingBytes int64 `yaml:"maxWaitingBytes"`
	// MaxWaitingAll is the most requests of all functions together that wait for an
	// instance. Default (0): four times MaxWaiting.
	MaxWaitingAll int `yaml:"maxWaitingAll"`
	// MaxWaitingBytesOf is the most bytes of pictures held for one function. Default
	// (0): half of MaxWaitingBytes.
	MaxWaitingBytesOf int64 `yaml:"maxWaitingBytesOf"`
	// MaxDelay is how long a request may be expected to wait for a function that is
	// warm and gets no more instances. Default (0): 250ms.
	MaxDelay time.Duration `yaml:"maxDelay"`
	// FetchAllow lists hosts, addresses or networks (CIDR) inside private address
	// space that pictures may be fetched from. Default: none.
	FetchAllow []string `yaml:"fetchAllow"`
	// FetchDeny lists hosts, addresses or networks that pictures are never fetched
	// from. Default: none.
	FetchDeny []string `yaml:"fetchDeny"`
	// Drain is how long requests may take to finish when the gateway stops.
	// Default 30s.
	Drain time.Duration `yaml:"drain"`
	// Linger is how long the gateway goes on taking requests after it has said that it is
	// not ready: where others send it requests, that takes a while to get round to them.
	// Default: 0.
	Linger time.Duration `yaml:"linger"`

	// Access says who may come in, and has the gateway's own certificate.
	Access access.Options `yaml:"access"`
	// Events leads CloudEvents to functions.
	Events Events `yaml:"events"`
	// Jobs are requests that are accepted and done later. Their folder is, where no
	// other place is named, saccade/jobs in the user's folder for state.
	Jobs Jobs `yaml:"jobs"`
	// Sources bring pictures and events from brokers and folders. Default: none.
	Sources []sources.Options `yaml:"sources"`
	// Sinks are brokers that answers may go to. Default: none.
	Sinks []sources.SinkOptions `yaml:"sinks"`
	// Answers says which answers are kept to be given again.
	Answers Answers `yaml:"answers"`
	// Drift says who hears of functions that see or say other than they did.
	Drift Drift `yaml:"drift"`
	// Record is a file that gets a line for each request: when it arrived, for which
	// function, and how long it was worked on. Default: none.
	Record string `yaml:"record"`
	// Prices are what resources cost. Default: list prices; see costs.Default.
	Prices costs.Prices `yaml:"prices"`
	// Cluster says which functions saccade gateway answers for, and how it reaches them.
	Cluster Cluster `yaml:"cluster"`
}

// Cluster are the options of a gateway on Kubernetes.
type Cluster struct {
	// Namespace is the one whose functions are served. Default: all.
	Namespace string `yaml:"namespace"`
	// Pods is how requests get to pods: direct, straight to each, or service, through the
	// address of the Knative Service, whatever ingress or mesh is there. Default direct.
	Pods string `yaml:"pods"`
	// Kubeconfig is the file that names the cluster. Default: as kubectl finds it, and
	// inside a cluster that one.
	Kubeconfig string `yaml:"kubeconfig"`
	// Context is the kubeconfig's context. Default: its current one.
	Context string `yaml:"context"`
	// Domain ends the names of Kubernetes Services. Default: as the gateway's pod
	// resolves names, else cluster.local.
	Domain string `yaml:"domain"`
}

// The values of Cluster.Pods.
const (
	PodsDirect  = "direct"
	PodsService = "service"
)

// Events are the options of the door for CloudEvents.
type Events struct {
	// Source begins the source of every answer, a URI reference. Default /saccade.
	Source string `yaml:"source"`
	// Default is the function of a request that names none and that no route leads
	// to one. Default: none.
	Default string `yaml:"default"`
	// Routes are looked through in order; the first that matches counts.
	Routes []events.Route `yaml:"routes"`
	// BatchEvents is the most events of one batch. Default 100.
	BatchEvents int `yaml:"batchEvents"`
	// BatchBytes is the most bytes of one batch. Default 32 MB.
	BatchBytes int64 `yaml:"batchBytes"`
}

// Jobs are the options of what is done later.
type Jobs struct {
	// Off takes no jobs; Prefer: respond-async is then not heeded.
	Off bool `yaml:"off"`

	jobs.Options `yaml:",inline"`
}

// Answers are the options of answers that are kept.
type Answers struct {
	// CacheBytes is the most memory that kept answers may take. Default 0: none is
	// kept; requests for the same picture at the same time still share one run.
	CacheBytes int64 `yaml:"cacheBytes"`
	// CacheAge is how long an answer is kept. Default 10m.
	CacheAge time.Duration `yaml:"cacheAge"`
}

// Drift are the options of the statistics of what functions see and say, which are
// kept in the cache folder.
type Drift struct {
	// Off keeps none.
	Off bool `yaml:"off"`
	// Sink is the URL that changes go to as CloudEvents: http, https, or the scheme of one
	// of Sinks. Jobs must not be off. Default: that of the answers of jobs, Jobs.Sink.
	Sink string `yaml:"sink"`
}

// Default is the configuration that the environment gives.
func Default() Saccade {
	return Saccade{
		Listen:          DefaultListen,
		Functions:       functionFolders(),
		Cache:           cacheFolder(),
		Runtime:         os.Getenv(EnvRuntime),
		ModelMirror:     os.Getenv(EnvModelMirror),
		MaxPictureBytes: 20_000_000,
		MaxWaiting:      256,
		MaxWaitingBytes: 256 << 20,
		Drain:           30 * time.Second,
		Prices:          costs.Default(),
		Jobs:            Jobs{Options: jobs.Options{Sink: os.Getenv(EnvSink)}},
	}
}

// UserFunctions is the functions folder in the user's configuration folder, or
// empty where the system names none.
func UserFunctions() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "saccade", "functions")
}

// JobsFolder is where jobs are kept if nobody says where: saccade/jobs in the user's
// folder for state (XDG base directories), or empty where the system names none.
func JobsFolder() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "saccade", "jobs")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "saccade", "jobs")
}

func functionFolders() []string {
	var dirs []string
	if dir := UserFunctions(); dir != "" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv(EnvFunctions)) {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func cacheFolder() string {
	if dir := os.Getenv(EnvCache); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "" // Validate says what to do
	}
	return filepath.Join(dir, "saccade")
}

// Validate says all that is wrong at once.
func (c Saccade) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(c.Listen)
	check(err == nil, "listen: %q is not host:port", c.Listen)
	check(c.Cache != "", "cache: no folder is known: set HOME, %s or --cache", EnvCache)
	check(c.MaxInstances >= 0 && c.MaxInstances <= 1000, "max-instances: %d is not between 0 and 1000", c.MaxInstances)
	check(c.MaxPictureBytes > 0, "max-picture-bytes: %d is not positive", c.MaxPictureBytes)
	check(c.MaxWaiting > 0, "max-waiting: %d is not positive", c.MaxWaiting)
	check(c.MaxWaitingBytes >= c.MaxPictureBytes, "max-waiting-bytes: %d is less than one picture of %d",
		c.MaxWaitingBytes, c.MaxPictureBytes)
	check(c.MaxWaitingAll == 0 || c.MaxWaitingAll >= c.MaxWaiting, "maxWaitingAll: %d is less than maxWaiting", c.MaxWaitingAll)
	check(c.MaxWaitingBytesOf == 0 || c.MaxWaitingBytesOf >= c.MaxPictureBytes,
		"maxWaitingBytesOf: %d is less than one picture of %d", c.MaxWaitingBytesOf, c.MaxPictureBytes)
	check(c.MaxDelay >= 0, "maxDelay: %v is less than nothing", c.MaxDelay)
	check(c.Drain > 0, "drain: %v is not positive", c.Drain)
	check(c.Linger >= 0, "linger: %v is below zero", c.Linger)
	for name, err := range map[string]error{
		"access": c.Access.Check(), "events": events.Routes{Table: c.Events.Routes}.Check(), "prices": c.Prices.Check(),
		"sources": sources.Check(c.Sources), "sinks": sources.CheckSinks(c.Sinks),
	} {
		check(err == nil, "%s: %w", name, err)
	}
	check(c.Cluster.Pods == "" || c.Cluster.Pods == PodsDirect || c.Cluster.Pods == PodsService,
		"cluster.pods: %q is neither %s nor %s", c.Cluster.Pods, PodsDirect, PodsService)
	check(c.Answers.CacheBytes >= 0 && c.Answers.CacheAge >= 0, "answers: what is kept cannot be less than nothing")
	check(c.Drift.Sink == "" || !c.Jobs.Off && !c.Drift.Off, "drift.sink: nothing is sent where jobs, or the statistics, are off")
	check(len(c.Sources) == 0 || !c.Jobs.Off, "sources: what they bring is done as jobs, which are off")
	for _, dir := range c.Functions {
		info, err := os.Stat(dir)
		check(err == nil && info.IsDir(), "functions: %s is not a folder", dir)
	}
	return errors.Join(errs...)
}
