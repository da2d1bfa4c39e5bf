package functions

import "time"

// Cluster has what only a Kubernetes cluster reads: where pods may run, as whom, and
// what of it they hold. One machine passes over it.
type Cluster struct {
	// Requests is what a pod is promised, where that is not what Resources bounds it to.
	Requests Requests `json:"requests,omitzero"`
	// GPUResource is what a GPU, or a part of one, is called on the nodes, for example
	// nvidia.com/mig-1g.10gb. Default: nvidia.com/gpu.
	GPUResource string `json:"gpuResource,omitempty"`
	// RuntimeClass is the RuntimeClass of the pods, for example nvidia. Default: the
	// cluster's.
	RuntimeClass string `json:"runtimeClass,omitempty"`
	// NodeSelector has the labels that a node must have. Default: none.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Tolerations are the taints of nodes that pods may run on all the same, as kubectl
	// taint writes them: KEY, KEY:EFFECT, KEY=VALUE or KEY=VALUE:EFFECT.
	Tolerations []string `json:"tolerations,omitempty"`
	// ServiceAccount is the one the pods run as; its token is not mounted. Default: the
	// namespace's default.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// PullSecrets are the Secrets that hold the registry's credentials.
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// Volumes are what is mounted beside the model, read-only, by path in the
	// container: configMap/NAME, secret/NAME or claim/NAME.
	Volumes map[string]string `json:"volumes,omitempty"`
}

// Requests are what a pod is promised, as Kubernetes quantities.
type Requests struct {
	// CPU is how many cores are set aside for a pod. Default: Resources.CPU, else half
	// a core for each thread of each parallel run.
	CPU string `json:"cpu,omitempty"`
	// Memory is how much memory is set aside for a pod. Default: Resources.Memory, else
	// 256Mi.
	Memory string `json:"memory,omitempty"`
}

// DefaultGPUResource is what NVIDIA's device plugin calls a GPU.
const DefaultGPUResource = "nvidia.com/gpu"

// NeedsGPU says that a function cannot start without a GPU: the one it requires, or
// the only kind of provider that it has. It is [Resources.GPU]'s default.
func (r Runtime) NeedsGPU() bool {
	if r.Require != "" && r.Require != ProviderCPU {
		return true
	}
	for _, p := range r.Providers {
		if p == ProviderCPU {
			return false
		}
	}
	return len(r.Providers) > 0
}

// GPUs is how many GPUs, or parts of one, an instance holds.
func (s Spec) GPUs() int {
	if s.Resources.GPU > 0 {
		return s.Resources.GPU
	}
	if s.Runtime.NeedsGPU() {
		return 1
	}
	return 0
}

// ExitForGood is the exit code of a function's program where the next start would end the
// same way: the file is not the one that is declared, or is no model. Who starts it again
// all the same, as a kubelet does, can be told so.
const ExitForGood = 3

// DrainLease is how long gateways hold a function's requests for a swap of its revisions
// that says no more that it is under way.
const DrainLease = 2 * time.Minute
