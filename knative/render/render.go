// Package render makes a function into Kubernetes objects: a Knative Service and the
// network policy around it.
//
// It receives a [functions.Function] as it was declared and [Options], and hands on
// objects in the order in which they are applied, or their YAML. It refuses what no
// pod could start with: a model that no cluster can reach, an address with a secret in
// it, a timeout that Knative does not take. It talks to no cluster; docs/render.md has
// what becomes of every field.
package render

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/seed45885407/saccade/functions"
)

// What the objects are known by.
const (
	// LabelFunction is on the Knative Service, its revisions and their pods; its value
	// is the function's name.
	LabelFunction = "saccade.dev/function"
	// LabelManagedBy, with ManagedBy as its value, is on every object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the field manager too.
	ManagedBy = "saccade"
	// AnnotationDeclaration is on every revision and pod: the complete function.yaml.
	AnnotationDeclaration = "saccade.dev/declaration"
	// AnnotationAutoscaler says in words, on a revision, what Knative's own settings
	// leave to the gateway.
	AnnotationAutoscaler = "saccade.dev/autoscaler"
	// AnnotationRollout is on the Knative Service; RolloutDrainThenSwap is its value
	// where a new revision has to wait for the card of the one before.
	AnnotationRollout    = "saccade.dev/rollout"
	RolloutDrainThenSwap = "drain-then-swap"
	// LabelVisibility keeps the Knative Service's own address inside the cluster.
	LabelVisibility        = "networking.knative.dev/visibility"
	VisibilityClusterLocal = "cluster-local"

	// ContainerRuntime serves, ContainerModel brings the model before.
	ContainerRuntime = "runtime"
	ContainerModel   = "model"
)

// Delivery is how the model comes into a pod.
type Delivery string

// The deliveries.
const (
	// DeliverRuntime: the runtime pulls it into the cache itself, before it is ready.
	DeliverRuntime Delivery = "runtime"
	// DeliverInit: an init container pulls it into the cache. The kubelet sees that one
	// end when it next looks, which is once a second, and each cold start pays for it.
	DeliverInit Delivery = "init"
	// DeliverPVC: a claim holds the cache's folder models, filled by others.
	DeliverPVC Delivery = "pvc"
	// DeliverImage: it is in the runtime's image, at /models.
	DeliverImage Delivery = "image"
	// DeliverVolume: it is in an image of its own, which is mounted at /models.
	DeliverVolume Delivery = "volume"
)

// Deliveries are all of them.
var Deliveries = []Delivery{DeliverRuntime, DeliverInit, DeliverPVC, DeliverImage, DeliverVolume}

// Defaults, documented at the fields they fill.
const (
	DefaultCacheClaim       = "saccade-models"
	EmptyDir                = "emptyDir"
	DefaultPullTimeout      = 5 * time.Minute
	DefaultMaxTimeout       = 10 * time.Minute
	DefaultGatewayNamespace = "saccade-system"
	DefaultServingNamespace = "knative-serving"
)

// Options say what is the cluster's and not the function's.
type Options struct {
	// Namespace is the objects' own. Empty: they name none.
	Namespace string
	// Image is the runtime's. Required.
	Image string
	// Delivery is how the model comes into a pod. Default: runtime.
	Delivery Delivery
	// ModelImage is the image with the model, for delivery volume, and only for that:
	// REGISTRY/REPOSITORY@sha256:... A tag may come to mean another image.
	ModelImage string
	// Cache is the claim that holds models and optimised graphs, shared by the pods of a
	// node, or emptyDir for one that ends with its pod. Default: saccade-models; emptyDir
	// for deliveries image and volume, whose cache holds graphs alone. For delivery pvc it
	// is the claim with the models, which is only read.
	Cache string
	// Mirror is where model files are looked for first: an http(s) URL. Default: none.
	Mirror string
	// PullTimeout is how long image and model may take to arrive, and a node to be
	// found. Default: 5m.
	PullTimeout time.Duration
	// MaxTimeout is the cluster's max-revision-timeout-seconds. Default: Knative's, 10m.
	MaxTimeout time.Duration
	// Public leaves the Knative Service's own address to the cluster's rule, which by
	// default opens it to the world beside the gateway. Default: it is cluster-local.
	Public bool
	// NoNetworkPolicy leaves the network policy out.
	NoNetworkPolicy bool
	// GatewayNamespace and ServingNamespace are where the gateway and Knative's
	// activator and autoscaler run. Default: saccade-system, knative-serving.
	GatewayNamespace, ServingNamespace string
	// AllowNamespaces have pods that may reach the function's too: an ingress's,
	// Prometheus'.
	AllowNamespaces []string
	// FSGroup is the group that owns what is in the volumes, for storage that comes as
	// root's. 0: none is set.
	FSGroup int64
	// Folder is where the function's relative paths resolve. Nil: unknown.
	Folder fs.FS
}

func (o Options) withDefaults() Options {
	orDefault(&o.Delivery, DeliverRuntime)
	if o.Delivery.inImage() {
		orDefault(&o.Cache, EmptyDir)
	}
	orDefault(&o.Cache, DefaultCacheClaim)
	orDefault(&o.PullTimeout, DefaultPullTimeout)
	orDefault(&o.MaxTimeout, DefaultMaxTimeout)
	orDefault(&o.GatewayNamespace, DefaultGatewayNamespace)
	orDefault(&o.ServingNamespace, DefaultServingNamespace)
	return o
}

// inImage says that the model comes with an image, and is at modelFolder.
func (d Delivery) inImage() bool { return d == DeliverImage || d == DeliverVolume }

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Object is one of Kubernetes', as it is written.
type Object = unstructured.Unstructured

// Objects are the objects that f is on a cluster, in the order in which they are
// applied. f is as it was declared, its defaults not applied: some are other ones on a
// cluster, see [Complete].
func Objects(f functions.Function, o Options) ([]*Object, error) {
	f, o, err := prepare(f, o)
	if err != nil {
		return nil, fmt.Errorf("rendering function %s: %w", f.Metadata.Name, err)
	}
	var objects []runtime.Object
	if !o.NoNetworkPolicy {
		objects = append(objects, networkPolicy(f, o))
	}
	service, err := service(f, o)
	if err != nil {
		return nil, fmt.Errorf("rendering function %s: %w", f.Metadata.Name, err)
	}
	all, err := tidy(append(objects, service))
	if err != nil {
		return nil, fmt.Errorf("rendering function %s: %w", f.Metadata.Name, err)
	}
	if o.Delivery == DeliverVolume {
		err = addModelImage(all[len(all)-1], o.ModelImage)
	}
	return all, err
}

// tidy makes objects into what one would write: no status, nothing that is null.
func tidy(objects []runtime.Object) ([]*Object, error) {
	var all []*Object
	for _, object := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return nil, err
		}
		delete(content, "status")
		withoutNulls(content)
		all = append(all, &Object{Object: content})
	}
	return all, nil
}

func withoutNulls(content map[string]any) {
	for key, value := range content {
		switch v := value.(type) {
		case nil:
			delete(content, key)
		case map[string]any:
			withoutNulls(v)
		case []any:
			for _, item := range v {
				if m, is := item.(map[string]any); is {
					withoutNulls(m)
				}
			}
		}
	}
}

// YAML writes the objects as one file for kubectl or a repository that a cluster
// follows. The same objects make the same bytes.
func YAML(w io.Writer, objects []*Object) error {
	var out bytes.Buffer
	for i, object := range objects {
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			return fmt.Errorf("writing %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(text)
	}
	_, err := w.Write(out.Bytes())
	return err
}
