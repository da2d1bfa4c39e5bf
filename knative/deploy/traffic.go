package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/knative/traffic"
)

// TrafficManager owns the fields of a function's split, so that a deployment, which
// says nothing of them, leaves them as they are.
const TrafficManager = FieldManager + "-traffic"

// ours begins the names of our annotations.
const ours = "saccade.dev/"

var _ traffic.Cluster = (*Cluster)(nil)

// Traffic reads the function's split and its revisions. See [traffic.Cluster].
func (c *Cluster) Traffic(ctx context.Context, function string) (traffic.State, error) {
	if _, err := c.service(ctx, function); err != nil {
		return traffic.State{}, err
	}
	s, err := c.State(ctx, function)
	if err != nil {
		return traffic.State{}, err
	}
	if s.Service == nil {
		return traffic.State{}, c.notFound(function)
	}
	return trafficOf(s), nil
}

// trafficOf is a State as knative/traffic reads it. It is a pure function of s.
func trafficOf(s State) traffic.State {
	out := traffic.State{
		Function:      s.Service.Name,
		Namespace:     s.Service.Namespace,
		Version:       s.Service.ResourceVersion,
		Wanted:        targetsOf(s.Service.Spec.Traffic),
		Targets:       targetsOf(s.Service.Status.Traffic),
		LatestCreated: s.Service.Status.LatestCreatedRevisionName,
		LatestReady:   s.Service.Status.LatestReadyRevisionName,
		Annotations:   map[string]string{},
		GPU:           asksForGPU(s.Service.Spec.Template.Spec.PodSpec),
	}
	if s.Service.Status.URL != nil {
		out.URL = s.Service.Status.URL.String()
	}
	for name, value := range s.Service.Annotations {
		if strings.HasPrefix(name, ours) {
			out.Annotations[name] = value
		}
	}
	for _, r := range s.Revisions {
		out.Revisions = append(out.Revisions, revisionOf(s, r))
	}
	return out
}

func targetsOf(list []servingv1.TrafficTarget) []traffic.Target {
	var targets []traffic.Target
	for _, t := range list {
		target := traffic.Target{Revision: t.RevisionName, Latest: t.LatestRevision != nil && *t.LatestRevision, Tag: t.Tag}
		if t.Percent != nil {
			target.Percent = int(*t.Percent)
		}
		if t.URL != nil {
			target.URL = t.URL.String()
		}
		targets = append(targets, target)
	}
	return targets
}

func revisionOf(s State, r servingv1.Revision) traffic.Revision {
	out := traffic.Revision{Name: r.Name, Created: r.CreationTimestamp.Time, Ready: r.IsReady()}
	if t := DiagnoseRevision(s, r.Name); !out.Ready {
		out.Failed, out.Reason = t.Final, t.Text
	}
	out.ReadyPods, out.WantedPods = podCount(s, r)
	for _, p := range s.Pods {
		if p.Labels[serving.RevisionLabelKey] != r.Name {
			continue
		}
		out.Pods++
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && p.DeletionTimestamp == nil {
				out.Unschedulable = clean(c.Message)
			}
		}
	}
	return out
}

// asksForGPU says that a container asks for a card or a part of one.
func asksForGPU(spec corev1.PodSpec) bool {
	for _, c := range spec.Containers {
		for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
			for name := range list {
				if strings.HasPrefix(string(name), "nvidia.com/") || strings.HasSuffix(string(name), "/gpu") {
					return true
				}
			}
		}
	}
	return false
}

// Change writes a split and annotations. See [traffic.Cluster].
func (c *Cluster) Change(ctx context.Context, function string, change traffic.Change) error {
	found, err := c.service(ctx, function)
	if err != nil {
		return err
	}
	if found.GetResourceVersion() != change.Version {
		return traffic.ErrChanged
	}
	meta := map[string]any{"resourceVersion": change.Version}
	if len(change.Annotations) > 0 {
		annotations := map[string]any{}
		for name, value := range change.Annotations {
			annotations[name] = value
			if value == "" {
				annotations[name] = nil
			}
		}
		meta["annotations"] = annotations
	}
	patch := map[string]any{"metadata": meta}
	if change.Targets != nil {
		var list []any
		for _, t := range change.Targets {
			target := map[string]any{"percent": t.Percent, "latestRevision": t.Latest}
			if !t.Latest {
				target["revisionName"] = t.Revision
			}
			if t.Tag != "" {
				target["tag"] = t.Tag
			}
			list = append(list, target)
		}
		patch["spec"] = map[string]any{"traffic": list}
	}
	return c.patch(ctx, services, function, patch)
}

// patch merges into an object; [traffic.ErrChanged] where it carries a version that is
// no longer the object's.
func (c *Cluster) patch(ctx context.Context, kind schema.GroupVersionResource, name string, patch map[string]any) error {
	body, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("changing %s: %w", name, err)
	}
	err = c.try(ctx, func(ctx context.Context) error {
		_, err := c.resource(kind).Patch(ctx, name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: TrafficManager})
		return err
	})
	if apierrors.IsConflict(err) {
		return traffic.ErrChanged
	}
	if err != nil {
		return fmt.Errorf("changing %s: %w", name, err)
	}
	return nil
}
