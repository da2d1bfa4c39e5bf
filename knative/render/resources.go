package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seed45885407/saccade/functions"
)

// What a pod is promised where the function says nothing. The CPU is half of what its
// runs can use: they seldom all run, and nothing bounds them.
const (
	millicoresAThread    = 500
	defaultMemoryRequest = "256Mi"
	pullCPU, pullMemory  = "50m", "64Mi"
)

// resources are what the container that serves is promised and bounded to.
func resources(s functions.Spec) (corev1.ResourceRequirements, error) {
	limits, requests := corev1.ResourceList{}, corev1.ResourceList{}
	set := func(list corev1.ResourceList, name corev1.ResourceName, text string) error {
		if text == "" {
			return nil
		}
		amount, err := resource.ParseQuantity(text)
		list[name] = amount
		return err
	}
	busy := fmt.Sprintf("%dm", millicoresAThread*s.Runtime.Threads*s.Runtime.Parallel)
	for _, r := range []struct {
		name                    corev1.ResourceName
		limit, asked, otherwise string
	}{
		{corev1.ResourceCPU, s.Resources.CPU, s.Cluster.Requests.CPU, busy},
		{corev1.ResourceMemory, s.Resources.Memory, s.Cluster.Requests.Memory, defaultMemoryRequest},
	} {
		request := r.otherwise
		if r.limit != "" {
			request = r.limit
		}
		if r.asked != "" {
			request = r.asked
		}
		if err := set(limits, r.name, r.limit); err != nil {
			return corev1.ResourceRequirements{}, fmt.Errorf("%s %q: %w", r.name, r.limit, err)
		}
		if err := set(requests, r.name, request); err != nil {
			return corev1.ResourceRequirements{}, fmt.Errorf("%s %q: %w", r.name, request, err)
		}
	}
	if n := s.GPUs(); n > 0 {
		// What a device plugin gives out is asked for and bounded by one number.
		name := s.Cluster.GPUResource
		if name == "" {
			name = functions.DefaultGPUResource
		}
		amount := *resource.NewQuantity(int64(n), resource.DecimalSI)
		limits[corev1.ResourceName(name)], requests[corev1.ResourceName(name)] = amount, amount
	}
	all := corev1.ResourceRequirements{Requests: requests}
	if len(limits) > 0 {
		all.Limits = limits
	}
	return all, nil
}

func pullResources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(pullCPU), corev1.ResourceMemory: resource.MustParse(pullMemory),
	}}
}
