// Package deploy brings functions to a cluster and tells what became of them.
//
// It receives Kubernetes objects that knative/render made, and names of functions.
// It hands on what the API server says, in sentences: the progress of a deployment
// until it is ready ([Cluster.Deploy]), the state of every function
// ([Cluster.Status]), what their containers log ([Cluster.Logs]), and the traffic
// between revisions (traffic.go). It refuses to touch an object that saccade does
// not manage, and never tells the value of a field: values may be secrets.
//
// What keeps a function from being ready is worked out by [Diagnose], a pure
// function of what was watched.
package deploy

import (
	"context"
	"io"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// The marks of what saccade manages.
const (
	// FieldManager owns the fields that are applied, and is the value of LabelManagedBy.
	FieldManager   = "saccade"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelFunction is on the Knative Service, its revisions and their pods.
	LabelFunction = "saccade.dev/function"
)

// The containers of a function's pod.
const (
	ContainerRuntime = "runtime"
	ContainerModel   = "model"
	ContainerQueue   = "queue-proxy"
)

// What is read and changed.
var (
	services        = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	revisions       = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "revisions"}
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	events          = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	networkPolicies = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
)

// Cluster is a namespace of a cluster, reached through its API server. Its methods
// may be called at the same time.
type Cluster struct {
	namespace string
	server    string
	config    *rest.Config
	objects   dynamic.Interface
	get       func(ctx context.Context, path []string, parameters, header map[string]string) (io.ReadCloser, error) // below /api/v1
	say       func(text string)

	reached atomic.Bool // the API server has answered before
}

// Namespace is where functions are looked for and deployed to; empty: everywhere.
func (c *Cluster) Namespace() string { return c.namespace }

// Config is how the API server is reached, for those that bring their own clients.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Everywhere is c for all namespaces. It serves Status alone.
func (c *Cluster) Everywhere() *Cluster {
	return &Cluster{server: c.server, config: c.config, objects: c.objects, get: c.get, say: c.say}
}

// Say makes c tell say when the API server goes away and comes back, and what it
// warns of. It is called from many goroutines.
func (c *Cluster) Say(say func(text string)) { c.say = say }

func (c *Cluster) resource(r schema.GroupVersionResource) dynamic.ResourceInterface {
	return c.objects.Resource(r).Namespace(c.namespace)
}

// ofFunction selects what belongs to a function; the empty name: to any.
func ofFunction(name string) metav1.ListOptions {
	if name == "" {
		return metav1.ListOptions{LabelSelector: LabelFunction}
	}
	return metav1.ListOptions{LabelSelector: LabelFunction + "=" + name}
}
