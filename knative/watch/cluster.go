package watch

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	serving "knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	externalversions "knative.dev/serving/pkg/client/informers/externalversions"
	"knative.dev/serving/pkg/networking"
)

// cluster is what the API server has said so far. It only reads.
type cluster struct {
	core    []informers.SharedInformerFactory
	knative externalversions.SharedInformerFactory

	services, revisions, slices, pods cache.SharedIndexInformer
	noted                             []cache.InformerSynced // by the handlers
}

// Indexes of the informers.
const (
	byService  = "service"  // revisions, by namespace and name of their Service
	byRevision = "revision" // slices and pods, by namespace and name of their Revision
)

// again is how often everything that is known is looked at once more, should a change
// have been misunderstood.
const again = 10 * time.Minute

// newCluster prepares the informers; changed is called for every change, with the
// object whose state it touches.
func newCluster(clients Clients, namespace string, changed func(change)) (*cluster, error) {
	functionsOnly := func(o *metav1.ListOptions) { o.LabelSelector = FunctionLabel }
	knative := externalversions.NewSharedInformerFactoryWithOptions(clients.Knative, again,
		externalversions.WithNamespace(namespace), externalversions.WithTweakListOptions(functionsOnly))
	core := func(selector string) informers.SharedInformerFactory {
		return informers.NewSharedInformerFactoryWithOptions(clients.Kubernetes, again, informers.WithNamespace(namespace),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector }))
	}
	// A revision's private Service has the ready pods alone, whether Knative leads
	// requests to them or to the activator.
	private := core(networking.ServiceTypeKey + "=" + string(networking.ServiceTypePrivate))
	ours := core(FunctionLabel)
	c := &cluster{
		core: []informers.SharedInformerFactory{private, ours}, knative: knative,
		services:  knative.Serving().V1().Services().Informer(),
		revisions: knative.Serving().V1().Revisions().Informer(),
		slices:    private.Discovery().V1().EndpointSlices().Informer(),
		pods:      ours.Core().V1().Pods().Informer(),
	}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		index    string
		label    string // whose value the index is by
		touches  kind
	}{
		{c.services, "", "", aService},
		{c.revisions, byService, serving.ServiceLabelKey, aRevision},
		{c.slices, byRevision, serving.RevisionLabelKey, aRevision},
		{c.pods, byRevision, serving.RevisionLabelKey, aRevision},
	} {
		noted, err := prepare(watched.informer, watched.index, watched.label, func(o metav1.Object) {
			owner := types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
			if watched.index == byRevision {
				owner.Name = o.GetLabels()[watched.label]
			}
			changed(change{watched.touches, owner})
			if service := o.GetLabels()[serving.ServiceLabelKey]; watched.index == byService && service != "" {
				changed(change{aService, types.NamespacedName{Namespace: o.GetNamespace(), Name: service}})
			}
		})
		if err != nil {
			return nil, fmt.Errorf("preparing to watch the cluster: %w", err)
		}
		c.noted = append(c.noted, noted.HasSynced)
	}
	return c, nil
}

// prepare adds what every informer has.
func prepare(informer cache.SharedIndexInformer, index, label string, changed func(metav1.Object)) (cache.ResourceEventHandlerRegistration, error) {
	if index != "" {
		if err := informer.AddIndexers(cache.Indexers{index: func(o any) ([]string, error) {
			m, err := meta.Accessor(o)
			if err != nil || m.GetLabels()[label] == "" {
				return nil, err
			}
			return []string{m.GetNamespace() + "/" + m.GetLabels()[label]}, nil
		}}); err != nil {
			return nil, err
		}
	}
	// Nobody here reads who wrote which field, and it is half of an object.
	if err := informer.SetTransform(func(o any) (any, error) {
		if m, err := meta.Accessor(o); err == nil {
			m.SetManagedFields(nil)
		}
		return o, nil
	}); err != nil {
		return nil, err
	}
	tell := func(o any) {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		if m, err := meta.Accessor(o); err == nil {
			changed(m)
		}
	}
	return informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: tell, UpdateFunc: func(_, o any) { tell(o) }, DeleteFunc: tell,
	})
}

func (c *cluster) start(stop <-chan struct{}) {
	c.knative.Start(stop)
	for _, f := range c.core {
		f.Start(stop)
	}
}

// stop waits for the informers' end.
func (c *cluster) stop() {
	c.knative.Shutdown()
	for _, f := range c.core {
		f.Shutdown()
	}
}

func (c *cluster) awaitSync(stop <-chan struct{}) bool {
	return cache.WaitForCacheSync(stop, c.noted...)
}

func (c *cluster) service(key types.NamespacedName) *servingv1.Service {
	return get[*servingv1.Service](c.services, key)
}

func (c *cluster) revision(key types.NamespacedName) *servingv1.Revision {
	return get[*servingv1.Revision](c.revisions, key)
}

func (c *cluster) revisionsOf(service types.NamespacedName) []*servingv1.Revision {
	return indexed[*servingv1.Revision](c.revisions, byService, service)
}

func (c *cluster) slicesOf(revision types.NamespacedName) []*discoveryv1.EndpointSlice {
	return indexed[*discoveryv1.EndpointSlice](c.slices, byRevision, revision)
}

func (c *cluster) podsOf(revision types.NamespacedName) []*corev1.Pod {
	return indexed[*corev1.Pod](c.pods, byRevision, revision)
}

// get is the object, nil where there is none.
func get[T any](informer cache.SharedIndexInformer, key types.NamespacedName) (found T) {
	if o, exists, err := informer.GetStore().GetByKey(key.String()); err == nil && exists {
		found, _ = o.(T)
	}
	return found
}

func indexed[T any](informer cache.SharedIndexInformer, index string, key types.NamespacedName) []T {
	all, err := informer.GetIndexer().ByIndex(index, key.String())
	if err != nil {
		return nil // the index is there: see newCluster
	}
	found := make([]T, 0, len(all))
	for _, o := range all {
		if t, ok := o.(T); ok {
			found = append(found, t)
		}
	}
	return found
}

// later looks at something again after a while.
func (p *Platform) later(c change, after time.Duration) {
	p.group.Go(func() {
		select {
		case <-p.ctx.Done():
		case <-time.After(after):
			p.changed(c)
		}
	})
}
