package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seed45885407/saccade/functions"
)

// prune removes what an earlier deployment of the function brought and this one does
// not: a network policy that is no longer wanted would stay in force.
func (c *Cluster) prune(ctx context.Context, name string, objects []*unstructured.Unstructured, o ApplyOptions, tell func(what string)) error {
	policies, err := c.policiesOf(ctx, name)
	if err != nil {
		return err
	}
	for _, policy := range policies {
		if slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool {
			return o.GetKind() == policy.GetKind() && o.GetName() == policy.GetName()
		}) {
			continue
		}
		if !o.DryRun {
			if err := c.remove(ctx, policy); err != nil {
				return err
			}
		}
		tell(kindOf(policy) + " " + policy.GetName())
	}
	return nil
}

// policiesOf are the function's network policies that saccade manages.
func (c *Cluster) policiesOf(ctx context.Context, name string) ([]*unstructured.Unstructured, error) {
	all, err := c.list(ctx, source{resource: networkPolicies, options: ofFunction(name), spare: true})
	if err != nil {
		return nil, err
	}
	var mine []*unstructured.Unstructured
	for _, o := range all {
		if refuseForeign(o) == nil {
			mine = append(mine, o)
		}
	}
	return mine, nil
}

// remove deletes the object as it was seen: not one that has taken its name since.
func (c *Cluster) remove(ctx context.Context, o *unstructured.Unstructured) error {
	err := c.try(ctx, func(ctx context.Context) error {
		return c.resourceOf(o).Delete(ctx, o.GetName(), metav1.DeleteOptions{
			Preconditions:     &metav1.Preconditions{UID: new(o.GetUID())},
			PropagationPolicy: new(metav1.DeletePropagationBackground),
		})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s %s: %w", kindOf(o), o.GetName(), err)
	}
	return nil
}

// DeleteOptions say how a function is deleted.
type DeleteOptions struct {
	// Wait waits until no pod of it is left: those that answer finish first.
	Wait bool
	// Timeout bounds the waiting; 0: [DefaultTimeout].
	Timeout time.Duration
	// Tell is given each line of progress.
	Tell func(text string)
}

// Delete removes the function with its revisions and pods. It returns an error of kind
// functions.NotFound where there is none, and refuses one that saccade does not manage.
func (c *Cluster) Delete(ctx context.Context, name string, o DeleteOptions) error {
	tell := o.Tell
	if tell == nil {
		tell = func(string) {}
	}
	service, err := c.service(ctx, name)
	policies, listing := c.policiesOf(ctx, name)
	if err != nil && (!isNotFound(err) || len(policies) == 0) {
		return err
	}
	if listing != nil {
		return listing
	}
	// The Service first: while pods live their network policy does.
	for _, object := range append([]*unstructured.Unstructured{service}, policies...) {
		if object == nil {
			continue
		}
		if err := c.remove(ctx, object); err != nil {
			return err
		}
		tell(fmt.Sprintf("%s %s deleted", kindOf(object), object.GetName()))
	}
	if !o.Wait {
		return nil
	}
	return c.gone(ctx, name, o, tell)
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*functions.Error](err)
	return ok && e.Kind == functions.NotFound
}

// service is the function's Knative Service.
func (c *Cluster) service(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	var found *unstructured.Unstructured
	err := c.try(ctx, func(ctx context.Context) (err error) {
		found, err = c.resource(services).Get(ctx, name, metav1.GetOptions{})
		return err
	})
	switch {
	case apierrors.IsNotFound(err) && !isUnknownKind(err):
		return nil, c.notFound(name)
	case err != nil:
		return nil, fmt.Errorf("reading function %s: %w", name, err)
	}
	return found, refuseForeign(found)
}

func (c *Cluster) notFound(name string) error {
	return functions.Errorf(functions.NotFound, "there is no function %s in namespace %s of this cluster", name, c.namespace)
}

// gone waits until neither the Service nor a pod is left.
func (c *Cluster) gone(ctx context.Context, name string, o DeleteOptions, tell func(string)) error {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	left, told := 0, -1
	all := sourcesOf(name)
	err := c.watch(ctx, []source{all[0], all[2]}, func(all []held) (bool, error) {
		left = len(all[1])
		if left != told && left > 0 {
			told = left
			tell(fmt.Sprintf("waiting for %d pods to finish", left))
		}
		return len(all[0]) == 0 && left == 0, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return &NotReady{Text: fmt.Sprintf("%s is not gone after %s: %d pods are left", name, timeout, left)}
	}
	if err == nil {
		tell(name + " is gone")
	}
	return err
}
