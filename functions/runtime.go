package functions

// Runtime says how ONNX Runtime executes the model.
type Runtime struct {
	// Providers are execution providers in order of preference: tensorrt, cuda, cpu.
	// One that cannot be had is passed over, which is said in the log, in the start's
	// ledger and in the metrics. Default: [cpu].
	Providers []string `json:"providers,omitempty"`
	// Require is the one of Providers without which no instance starts. Default: none.
	Require string `json:"require,omitempty"`
	// Device is the UUID of the GPU, or of the part of one (MIG), that instances use,
	// as nvidia-smi -L shows it. Default: the first that an instance is let see.
	Device string `json:"device,omitempty"`
	// Precision is what TensorRT computes in: fp32 or fp16. Default: fp32. The CPU and
	// CUDA compute in what the model is written in; see Model.Variants.
	Precision string `json:"precision,omitempty"`
	// Threads is the number of intra-op threads of one run. Default 1: parallel
	// runs use the cores better than one run spread over them.
	Threads int `json:"threads,omitempty"`
	// Parallel is the number of runs at a time in one instance. Default: one per
	// CPU the instance may use, divided by Threads.
	Parallel int `json:"parallel,omitempty"`
	// Batch says which pictures share a run.
	Batch Batch `json:"batch,omitzero"`
}

// Batch says how pictures are gathered for one run.
type Batch struct {
	// Max is the most pictures of one run. Default 1. More pay on a GPU, not on a CPU,
	// and need a model whose first axis is free.
	Max int `json:"max,omitempty"`
	// Delay is how long a picture waits for others at most. Default 0: no longer than
	// until a run is free.
	Delay Duration `json:"delay,omitempty"`
}

// Resources bound one instance, as Kubernetes quantities.
type Resources struct {
	// CPU is how many cores an instance may use, for example 2 or 500m. Default: all.
	CPU string `json:"cpu,omitempty"`
	// Memory is how much memory an instance may use, for example 512Mi. Default: no
	// bound.
	Memory string `json:"memory,omitempty"`
	// GPU is how many NVIDIA GPUs, or parts of one, an instance holds; see
	// Cluster.GPUResource. Default: 1 where no instance starts without one, else 0.
	GPU int `json:"gpu,omitempty"`
	// GPUMemory is how much of a GPU's memory CUDA's arena may take, for example 2Gi.
	// Default: no bound.
	GPUMemory string `json:"gpuMemory,omitempty"`
}

// The values of Runtime.Providers and Runtime.Precision.
const (
	ProviderCPU      = "cpu"
	ProviderCUDA     = "cuda"
	ProviderTensorRT = "tensorrt"
	PrecisionFP32    = "fp32"
	PrecisionFP16    = "fp16"
)

// withVariant makes the chosen variant the model. Applying it twice changes nothing
// more.
func (m *Model) withVariant() {
	if uri, is := m.Variants[m.Variant]; is && m.URI != uri {
		m.URI, m.SHA256 = uri, ""
	}
}
