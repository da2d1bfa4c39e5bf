package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/seed45885407/saccade/functions"
)

// ApplyOptions say how objects are applied.
type ApplyOptions struct {
	// DryRun lets the API server check and answer, and change nothing.
	DryRun bool
	// ForceConflicts takes fields over that another field manager owns.
	ForceConflicts bool
}

// Applied is what became of an object.
type Applied struct {
	Kind, Name string
	// Change is created, configured or unchanged.
	Change string
	// Generation counts the changes of its spec.
	Generation int64
}

// Apply applies each object on the server's side, in order, those without a
// namespace into c's own. It refuses, before anything is changed, an object that is
// there and not managed by saccade. It fails at the first that is refused.
func (c *Cluster) Apply(ctx context.Context, objects []*unstructured.Unstructured, o ApplyOptions) ([]Applied, error) {
	before := make([]*unstructured.Unstructured, len(objects))
	for i, object := range objects {
		var err error
		if before[i], err = c.managed(ctx, object); err != nil {
			return nil, err
		}
	}
	var all []Applied
	for i, object := range objects {
		after, err := c.apply(ctx, object, o)
		if err != nil {
			return all, err
		}
		all = append(all, Applied{
			Kind: object.GetKind(), Name: object.GetName(),
			Change: difference(before[i], after), Generation: after.GetGeneration(),
		})
	}
	return all, nil
}

// managed is the object as it is on the cluster, nil where it is not there.
func (c *Cluster) managed(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	var found *unstructured.Unstructured
	err := c.try(ctx, func(ctx context.Context) (err error) {
		found, err = c.resourceOf(object).Get(ctx, object.GetName(), metav1.GetOptions{})
		return err
	})
	switch {
	case apierrors.IsNotFound(err) && !isUnknownKind(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return found, refuseForeign(found)
}

// refuseForeign keeps the hands off what others manage.
func refuseForeign(found *unstructured.Unstructured) error {
	if found.GetLabels()[LabelManagedBy] == FieldManager {
		return nil
	}
	by := "it has no label " + LabelManagedBy
	if who := found.GetLabels()[LabelManagedBy]; who != "" {
		by = "it is managed by " + clean(who)
	}
	return functions.Errorf(functions.Conflict, "the %s %s in namespace %s is not saccade's and is left as it is: %s; give the function another name, or delete that one first",
		kindOf(found), found.GetName(), found.GetNamespace(), by)
}

func kindOf(o *unstructured.Unstructured) string {
	if isService(o) {
		return "Knative Service"
	}
	return o.GetKind()
}

func (c *Cluster) apply(ctx context.Context, object *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	options := metav1.ApplyOptions{FieldManager: FieldManager, Force: o.ForceConflicts}
	if o.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	var after *unstructured.Unstructured
	err := c.try(ctx, func(ctx context.Context) (err error) {
		after, err = c.resourceOf(object).Apply(ctx, object.GetName(), object, options)
		return err
	})
	if apierrors.IsConflict(err) {
		return nil, conflict(object, err)
	}
	if err != nil {
		return nil, fmt.Errorf("applying %s %s: %w", kindOf(object), object.GetName(), err)
	}
	return after, nil
}

// conflict tells which fields another owns, and what can be done.
func conflict(object *unstructured.Unstructured, err error) error {
	s, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || s.Status().Details == nil {
		return err
	}
	fields := map[string][]string{}
	for _, cause := range s.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			// conflict with "kubectl-edit" using serving.knative.dev/v1
			owner := clean(strings.TrimPrefix(cause.Message, "conflict with "))
			fields[owner] = append(fields[owner], strings.TrimPrefix(cause.Field, "."))
		}
	}
	if len(fields) == 0 {
		return fmt.Errorf("applying %s %s: %w", kindOf(object), object.GetName(), err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the %s %s has fields that another has set:", kindOf(object), object.GetName())
	for _, owner := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "\n  %s owns %s", owner, strings.Join(fields[owner], ", "))
	}
	b.WriteString("\nit is left as it was; --force-conflicts takes them over")
	return errors.New(b.String())
}

// difference compares what the server answered with what was there, but for what every
// write changes.
func difference(before, after *unstructured.Unstructured) string {
	switch {
	case before == nil:
		return "created"
	case reflect.DeepEqual(content(before), content(after)):
		return "unchanged"
	}
	return "configured"
}

func content(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	// Knative's webhook writes down who asked.
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "serving.knative.dev/lastModifier")
	unstructured.RemoveNestedField(o.Object, "status")
	return o.Object
}

// resourceOf is where an object lives. Kubernetes' plurals are regular for every
// kind that a function is made of.
func (c *Cluster) resourceOf(o *unstructured.Unstructured) dynamic.ResourceInterface {
	plural, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(o.GetAPIVersion(), o.GetKind()))
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = c.namespace
	}
	return c.objects.Resource(plural).Namespace(namespace)
}
