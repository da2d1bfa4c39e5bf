package traffic

import (
	"context"
	"errors"
)

// ErrChanged says that the function's Service was written by somebody else since it was
// read. Whoever gets it reads again.
var ErrChanged = errors.New("the function was changed meanwhile")

// Cluster reads and changes a function's split. knative/deploy has it for a real one.
type Cluster interface {
	// Traffic reads. An error of kind functions.NotFound says that there is no such
	// function, one of kind Conflict that it is not Saccade's; any other may pass.
	Traffic(ctx context.Context, function string) (State, error)
	// Change writes, all of it or nothing, and returns [ErrChanged] where the Service is
	// no longer at change.Version.
	//
	// The fields are to have an owner of their own (field manager saccade-traffic), so
	// that a deployment, which applies with the manager saccade and says nothing of
	// traffic, does not take them back.
	Change(ctx context.Context, function string, change Change) error
}

// Change is what is written to a function's Service.
type Change struct {
	// Version is the [State] it was worked out from.
	Version string
	// Targets replace spec.traffic; nil leaves it as it is.
	Targets []Target
	// Annotations are set on the Service itself, not on its template; an empty value
	// takes one away. Others stay.
	Annotations map[string]string
}

// Pods is what a swap needs of the cluster beside the split. See docs/rollout.md for why
// it is done so.
type Pods interface {
	// Rest lets the revision go to zero as soon as it has no requests, although it gets
	// all of them by the split, and although its min-scale says otherwise.
	//
	// On Knative: the annotations of the revision's PodAutoscaler (its name is the
	// revision's; Knative reconciles its spec alone) become autoscaling.knative.dev/
	// min-scale "0", window "6s", scale-to-zero-pod-retention-period "0s", and
	// serving.knative.dev/progress-deadline "1s", which makes it give up a revision that
	// never became ready. What they were is remembered in the annotation
	// saccade.dev/awake of the PodAutoscaler as JSON. Resting twice is resting once.
	Rest(ctx context.Context, function, revision string) error
	// Rouse puts back what Rest has changed; a revision that does not rest stays as it is.
	Rouse(ctx context.Context, function, revision string) error
	// Renew makes one more revision like the newest: one that was given up is not tried
	// again by Knative. On Knative: the annotation saccade.dev/attempt of the Service's
	// template becomes attempt, written with the manager saccade-traffic.
	Renew(ctx context.Context, function, attempt string) error
}

// Gateways reads the metrics of every gateway there is. knative/deploy has it for those
// on the cluster, by way of the API server (pods/proxy), so that nothing has to be open.
type Gateways interface {
	// Metrics are the pages of all replicas by name, each a text for Prometheus of at most
	// MaxMetricsBytes. key is the gateway's API key, empty for none; by the API server it
	// goes as X-API-Key, for Authorization ends there. A replica that does not answer is
	// missing; where none does it is an error.
	Metrics(ctx context.Context, key string) (map[string][]byte, error)
}

// MaxMetricsBytes bounds one gateway's page of metrics.
const MaxMetricsBytes = 16 << 20
