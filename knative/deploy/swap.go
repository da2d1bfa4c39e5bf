package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/traffic"
)

var _ traffic.Pods = (*Cluster)(nil)

var podAutoscalers = schema.GroupVersionResource{Group: "autoscaling.internal.knative.dev", Version: "v1alpha1", Resource: "podautoscalers"}

const (
	// awake is the annotation of a PodAutoscaler that remembers what Rest has changed.
	awake = ours + "awake"
	// attempt is the annotation of a Service's template that makes one more revision.
	attempt = ours + "attempt"
)

// resting are the annotations that let a revision go to zero, and be given up where it
// never came up.
func resting() map[string]string {
	return map[string]string{
		"autoscaling.knative.dev/min-scale":                          "0",
		"autoscaling.knative.dev/window":                             "6s",
		"autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
		"serving.knative.dev/progress-deadline":                      "1s",
	}
}

// Rest lets a revision go to zero. See [traffic.Pods].
func (c *Cluster) Rest(ctx context.Context, function, revision string) error {
	return c.annotate(ctx, function, revision, func(has map[string]string) (map[string]any, error) {
		if _, rests := has[awake]; rests {
			return nil, nil
		}
		before, set := map[string]*string{}, map[string]any{}
		for name, value := range resting() {
			before[name] = nil
			if old, ok := has[name]; ok {
				before[name] = &old
			}
			set[name] = value
		}
		text, err := json.Marshal(before)
		set[awake] = string(text)
		return set, err
	})
}

// Rouse puts back what Rest has changed. See [traffic.Pods].
func (c *Cluster) Rouse(ctx context.Context, function, revision string) error {
	return c.annotate(ctx, function, revision, func(has map[string]string) (map[string]any, error) {
		text, rests := has[awake]
		if !rests {
			return nil, nil
		}
		before, set := map[string]*string{}, map[string]any{awake: nil}
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			return nil, fmt.Errorf("reading the annotation %s: %w", awake, err)
		}
		for name := range resting() { // and no other, whoever wrote the annotation
			set[name] = nil
			if old := before[name]; old != nil {
				set[name] = *old
			}
		}
		return set, nil
	})
}

// annotate changes the annotations of a revision's PodAutoscaler, which Knative writes
// to as well; nil changes none.
func (c *Cluster) annotate(ctx context.Context, function, revision string, change func(has map[string]string) (map[string]any, error)) error {
	const attempts = 8
	for range attempts {
		var found *unstructured.Unstructured
		err := c.try(ctx, func(ctx context.Context) (err error) {
			found, err = c.resource(podAutoscalers).Get(ctx, revision, metav1.GetOptions{})
			return err
		})
		switch {
		case apierrors.IsNotFound(err) && !isUnknownKind(err), err == nil && found.GetLabels()[LabelFunction] != function:
			return functions.Errorf(functions.NotFound, "%s has no revision %s with an autoscaler", function, revision)
		case err != nil:
			return fmt.Errorf("reading the autoscaler of %s: %w", revision, err)
		}
		set, err := change(found.GetAnnotations())
		if err != nil || set == nil {
			return err
		}
		err = c.patch(ctx, podAutoscalers, revision, map[string]any{
			"metadata": map[string]any{"resourceVersion": found.GetResourceVersion(), "annotations": set},
		})
		if !errors.Is(err, traffic.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("changing the autoscaler of %s: %w, %d times over", revision, traffic.ErrChanged, attempts)
}

// Renew makes one more revision like the newest. See [traffic.Pods].
func (c *Cluster) Renew(ctx context.Context, function, name string) error {
	if _, err := c.service(ctx, function); err != nil {
		return err
	}
	return c.patch(ctx, services, function, map[string]any{
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{attempt: name}}}},
	})
}
