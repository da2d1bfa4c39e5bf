package catalog

import (
	"maps"
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// devicePattern is the form of a GPU's UUID and of a MIG device's, of old drivers
// (MIG-GPU-<uuid>/<instance>/<compute instance>) and new ones (MIG-<uuid>). Source:
// NVIDIA, MIG user guide, "CUDA device enumeration".
const devicePattern = `^(GPU|MIG|MIG-GPU)-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(/[0-9]{1,3}/[0-9]{1,3})?$`

// validateRuntime holds what fields that belong together say of the run.
func (found *faults) validateRuntime(s functions.Spec) {
	r := s.Runtime
	providers := r.Providers
	if len(providers) == 0 {
		providers = []string{functions.DefaultProvider}
	}
	fault := func(path, format string, args ...any) {
		if !found.has(path) {
			found.at(path, format, args...)
		}
	}
	gpu := slices.ContainsFunc(providers, func(name string) bool { return name != functions.ProviderCPU })
	if r.Require != "" && !slices.Contains(providers, r.Require) {
		fault("spec.runtime.require", "%s is not among the providers, %v", r.Require, providers)
	}
	if r.Device != "" && !gpu {
		fault("spec.runtime.device", "is used by nobody: none of the providers, %v, uses a GPU", providers)
	}
	if r.Precision == functions.PrecisionFP16 && !slices.Contains(providers, functions.ProviderTensorRT) {
		fault("spec.runtime.precision", "fp16 is tensorrt's, which is not among the providers, %v; others compute in what the model is written in", providers)
	}
	if r.Batch.Delay > 0 && r.Batch.Max < 2 {
		fault("spec.runtime.batch.delay", "waits for nobody: batch.max is 1")
	}
	if s.Resources.GPUMemory != "" && !gpu {
		fault("spec.resources.gpuMemory", "is used by nobody: none of the providers, %v, uses a GPU", providers)
	}
	if m := s.Model; m.Variant != "" && m.Variants[m.Variant] == "" {
		fault("spec.model.variant", "%s is none of the variants, %v%s", quote(m.Variant),
			slices.Sorted(maps.Keys(m.Variants)), meant(m.Variant, slices.Sorted(maps.Keys(m.Variants))))
	}
}
