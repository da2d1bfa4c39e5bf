// Package functions is the contract every other room speaks: what a team
// declares (a [Function]), what the platform serves (a [Revision]), what comes
// back (an [Answer] full of [Detection]s) and what may go wrong (an [Error] of a
// [Kind]). One folder beside this file holds one shipped function.
//
// It receives nothing and imports no other room. It refuses to know HTTP,
// Kubernetes or ONNX Runtime: those words belong to the rooms that speak them.
package functions

import (
	"runtime"
	"time"
)

// APIVersion and Kind are what a function.yaml must say of itself.
const (
	APIVersion   = "saccade.dev/v1alpha1"
	KindFunction = "Function"
)

// Function is a detection model with all that is needed to serve it: the
// content of a function.yaml.
type Function struct {
	// APIVersion is saccade.dev/v1alpha1.
	APIVersion string `json:"apiVersion"`
	// Kind is Function.
	Kind     string   `json:"kind"`
	Metadata Metadata `json:"metadata"`
	Spec     Spec     `json:"spec"`
}

// Metadata names a function.
type Metadata struct {
	// Name is how requests address the function: a DNS label of at most 52
	// characters, lower case, so that it can name a Knative Service too.
	Name string `json:"name"`
	// Labels are free for the team's own use.
	Labels map[string]string `json:"labels,omitempty"`
}

// Spec says what model is served and how.
type Spec struct {
	Model      Model      `json:"model"`
	Thresholds Thresholds `json:"thresholds,omitzero"`
	Runtime    Runtime    `json:"runtime,omitzero"`
	Scaling    Scaling    `json:"scaling,omitzero"`
	Resources  Resources  `json:"resources,omitzero"`
	Cluster    Cluster    `json:"cluster,omitzero"`
	Drift      Drift      `json:"drift,omitzero"`
}

// Model says where the network comes from and how it is fed and read.
type Model struct {
	// URI is an http(s) or file URL, or a path relative to function.yaml.
	URI string `json:"uri"`
	// SHA256 is the lower-case hex digest the model file must have. Empty: the
	// digest seen first is pinned in the model store's lock file.
	SHA256 string `json:"sha256,omitempty"`
	// Variants are other files of the same network, by a name of your own, for example
	// int8 or fp16, each as URI says where. They are pinned when first seen.
	Variants map[string]string `json:"variants,omitempty"`
	// Variant is the one of Variants that is served in the place of URI. Default: none.
	Variant string `json:"variant,omitempty"`
	// Family is how the network is fed and its outputs are read, one of [Families].
	// Empty means auto: read off the graph.
	Family Family `json:"family,omitempty"`
	// InputSize is the side in pixels of the square the picture is letterboxed
	// (DETR: stretched) into. 0: what the graph says, else what its metadata says,
	// else 640. It may differ from the graph's only where the graph leaves height and
	// width free.
	InputSize int `json:"inputSize,omitempty"`
	// Feed says how the picture becomes the network's input, where that is not the
	// family's own way.
	Feed Feed `json:"feed,omitzero"`
	// Read says how boxes and classes are meant, where neither family nor graph tell.
	Read Read `json:"read,omitzero"`
	// Labels are the class names in order of class id. Empty: the names in the
	// model's metadata, else COCO's 80 where the model has 80 classes.
	Labels []string `json:"labels,omitempty"`
	// LabelsFile is a text file beside function.yaml with one class name a line,
	// used where Labels is empty.
	LabelsFile string `json:"labelsFile,omitempty"`
	// Licence is the SPDX identifier of the model's licence. Informative.
	Licence string `json:"licence,omitempty"`
	// Source says in a sentence whose model it is and where it was released.
	Source string `json:"source,omitempty"`
}

// Thresholds decide which boxes are answered. A request may override MinScore.
type Thresholds struct {
	// MinScore is the lowest score answered, 0 to 1. Default 0.25.
	MinScore *float64 `json:"minScore,omitempty"`
	// IoU is the overlap, 0 to 1, above which the weaker of two boxes of a class is
	// dropped. Default: the family's own, see docs/models.md; families that choose
	// their boxes themselves need none.
	IoU *float64 `json:"iou,omitempty"`
	// MaxDetections is the most boxes answered for one picture. Default 300.
	MaxDetections int `json:"maxDetections,omitempty"`
}

// Scaling has Knative's autoscaler settings under Knative's names; see
// docs/functions.md for what each means and docs/walk.md for who reads it.
type Scaling struct {
	// Style is whose rules hold: kubernetes (default), where every field here but
	// Lambda may be set, or lambda, where only Lambda and Timeout may (and StartTimeout, to
	// less than its 10s).
	Style string `json:"style,omitempty"`
	// Lambda has the settings of style lambda.
	Lambda Lambda `json:"lambda,omitzero"`
	// Autoscaler decides, in style kubernetes, how many instances there are: kpa,
	// Knative's own (default); startup-aware, which sizes by arrivals, service time
	// and measured load time, see docs/contrast.md; or hpa, Kubernetes' own, which
	// sizes by the CPU in use and never to zero. One machine has kpa in the place of hpa.
	Autoscaler string `json:"autoscaler,omitempty"`
	// MinScale is the number of instances kept when idle. Default 0.
	MinScale int `json:"minScale,omitempty"`
	// InitialScale is how many instances a new revision must have had ready before it
	// gets requests, on a cluster; 0 for none, where the cluster allows that. Default:
	// the cluster's, 1.
	InitialScale *int `json:"initialScale,omitempty"`
	// MaxScale bounds the instances. Default 0: no bound of the function's own
	// (the local platform still keeps to its --max-instances).
	MaxScale int `json:"maxScale,omitempty"`
	// ContainerConcurrency is the most requests at a time in one instance. Default:
	// the instance's parallel runs, times the pictures of a batch; one more would take
	// the cores from those that run.
	ContainerConcurrency int `json:"containerConcurrency,omitempty"`
	// Metric is what the autoscaler counts: concurrency (default) or rps; for hpa it is
	// cpu, the CPU in use as a share of what a pod is promised.
	Metric string `json:"metric,omitempty"`
	// Target is the wanted value of Metric for one instance. Default: for
	// concurrency the ContainerConcurrency, for rps 200, for cpu 80 (percent).
	Target float64 `json:"target,omitempty"`
	// TargetUtilization is the share of Target aimed at, in percent. Default 70.
	TargetUtilization float64 `json:"targetUtilization,omitempty"`
	// Window is the time over which the metric is averaged, and so the time after
	// which an idle function goes to zero: 6s to 1h. Default 60s.
	Window Duration `json:"window,omitempty"`
	// PanicWindowPercentage is the panic window as a share of Window. Default 10.
	PanicWindowPercentage float64 `json:"panicWindowPercentage,omitempty"`
	// PanicThresholdPercentage is the load over capacity at which the autoscaler
	// panics. Default 200.
	PanicThresholdPercentage float64 `json:"panicThresholdPercentage,omitempty"`
	// ScaleDownDelay is how long a lower load must last before instances go.
	// Default 0.
	ScaleDownDelay Duration `json:"scaleDownDelay,omitempty"`
	// ScaleToZeroPodRetention is the least time the last instance is kept after
	// the autoscaler wants none. Default 0.
	ScaleToZeroPodRetention Duration `json:"scaleToZeroPodRetention,omitempty"`
	// StartTimeout is how long an instance may take to become ready, the model's
	// download not counted. Default 60s.
	StartTimeout Duration `json:"startTimeout,omitempty"`
	// Timeout is how long a request may take in all, waiting included. Default 60s.
	Timeout Duration `json:"timeout,omitempty"`
}

// The autoscalers.
const (
	AutoscalerKPA          = "kpa"
	AutoscalerStartupAware = "startup-aware"
	AutoscalerHPA          = "hpa"
)

// The metrics.
const (
	MetricConcurrency = "concurrency"
	MetricRPS         = "rps"
	MetricCPU         = "cpu"
)

// Defaults, documented at the fields they fill.
const (
	DefaultMinScore                 = 0.25
	DefaultMaxDetections            = 300
	DefaultProvider                 = "cpu"
	DefaultThreads                  = 1
	DefaultBatch                    = 1
	DefaultMetric                   = MetricConcurrency
	DefaultRPSTarget                = 200
	DefaultCPUTarget                = 80 // percent
	DefaultTargetUtilization        = 70
	DefaultWindow                   = 60 * time.Second
	DefaultPanicWindowPercentage    = 10
	DefaultPanicThresholdPercentage = 200
	DefaultStartTimeout             = 60 * time.Second
	DefaultTimeout                  = 60 * time.Second
)

// maxConcurrency is Knative's bound of ContainerConcurrency.
const maxConcurrency = 1000

// WithDefaults returns f with every field that is zero set to its default,
// except those whose default depends on the model (IoU, InputSize, Labels) or on
// the machine (CPU, Memory). Applying it twice changes nothing more.
func (f Function) WithDefaults() Function {
	s := &f.Spec
	orDefault(&s.Model.Family, FamilyAuto)
	s.Model.withVariant()
	if s.Thresholds.MinScore == nil {
		s.Thresholds.MinScore = new(float64(DefaultMinScore))
	}
	orDefault(&s.Thresholds.MaxDetections, DefaultMaxDetections)

	if len(s.Runtime.Providers) == 0 {
		s.Runtime.Providers = []string{DefaultProvider}
	}
	orDefault(&s.Scaling.Style, StyleKubernetes)
	if s.Scaling.IsLambda() {
		s.withLambdaDefaults()
	}
	orDefault(&s.Runtime.Threads, DefaultThreads)
	orDefault(&s.Runtime.Parallel, max(1, runtime.GOMAXPROCS(0)/s.Runtime.Threads))
	orDefault(&s.Runtime.Batch.Max, DefaultBatch)

	s.Drift.withDefaults()

	c := &s.Scaling
	orDefault(&c.Timeout, Duration(DefaultTimeout))
	if c.IsLambda() {
		return f // the rest is Knative's
	}
	orDefault(&c.ContainerConcurrency, min(maxConcurrency, s.Runtime.Parallel*s.Runtime.Batch.Max))
	orDefault(&c.Autoscaler, AutoscalerKPA)
	if c.Autoscaler == AutoscalerHPA {
		orDefault(&c.Metric, MetricCPU)
	}
	orDefault(&c.Metric, DefaultMetric)
	switch c.Metric {
	case MetricRPS:
		orDefault(&c.Target, DefaultRPSTarget)
	case MetricCPU:
		orDefault(&c.Target, DefaultCPUTarget)
	}
	orDefault(&c.Target, float64(c.ContainerConcurrency))
	orDefault(&c.TargetUtilization, DefaultTargetUtilization)
	orDefault(&c.Window, Duration(DefaultWindow))
	orDefault(&c.PanicWindowPercentage, DefaultPanicWindowPercentage)
	orDefault(&c.PanicThresholdPercentage, DefaultPanicThresholdPercentage)
	orDefault(&c.StartTimeout, Duration(DefaultStartTimeout))
	return f
}

// WithoutHPA is s as a platform reads it that has no horizontal pod autoscaler: kpa in
// its place, which has no use for a share of CPU.
func (s Scaling) WithoutHPA() Scaling {
	if s.Autoscaler == AutoscalerHPA {
		s.Autoscaler, s.Metric, s.Target = AutoscalerKPA, DefaultMetric, float64(s.ContainerConcurrency)
	}
	return s
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Revision is one immutable state of a Function, as in Knative: a changed
// function.yaml makes a new Revision, and requests go to the newest that works.
type Revision struct {
	// Name is the function's name and a generation, for example yolo11n-00001.
	Name string
	// Function is complete: [Function.WithDefaults] has been applied.
	Function Function
}

// Duration is a time.Duration that reads and writes as text: "90s", "5m".
type Duration time.Duration

// MarshalText writes d as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
