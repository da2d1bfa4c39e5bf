package onnx

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

// The library that setup fetches has no execution provider but the CPU's, so what
// falls back, and what refuses, is seen on any machine.
func TestProvidersThatCannotBeHad(t *testing.T) {
	e := open(t)
	want := answer(t, session(t, e, prepare(t, ""), centernetOptions))
	for _, test := range []struct {
		name      string
		providers []string
		require   string
		given     []string // nil: there is no session
		passed    []string
		says      []string
	}{
		{name: "the CPU where nothing is said", given: []string{CPU}},
		{name: "the CPU behind a GPU", providers: []string{CUDA, CPU}, given: []string{CPU}, passed: []string{CUDA}},
		{name: "the CPU behind two", providers: []string{TensorRT, CUDA, CPU}, given: []string{CPU}, passed: []string{TensorRT, CUDA}},
		{name: "a GPU behind the CPU is not asked for", providers: []string{CPU, CUDA}, given: []string{CPU}},
		{name: "a GPU alone", providers: []string{CUDA}, says: []string{"no execution provider that the function allows", "cuda is not in this build"}},
		{name: "two of them alone", providers: []string{TensorRT, CUDA}, says: []string{"tensorrt", "; cuda"}},
		{name: "one that is required", providers: []string{CUDA, CPU}, require: CUDA, says: []string{"requires execution provider cuda, which is not in this build"}},
		{name: "the second of them required", providers: []string{TensorRT, CUDA, CPU}, require: CUDA, says: []string{"requires execution provider cuda"}},
		{name: "the CPU required, and there", providers: []string{CUDA, CPU}, require: CPU, given: []string{CPU}, passed: []string{CUDA}},
		{name: "one that nobody knows", providers: []string{"rocm"}, says: []string{`no execution provider "rocm"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := centernetOptions
			o.Providers, o.Require, o.GPU = test.providers, test.require, GPU{MemoryLimit: 1 << 30, Engines: t.TempDir(), Half: true}
			m, err := Prepare(Source{Path: centernet, Cache: t.TempDir(), Providers: test.providers})
			if err == nil {
				defer m.Close()
				var s *Session
				if s, err = e.NewSession(m, o); err == nil {
					defer s.Close()
					var passed []string
					for _, p := range s.Passed() {
						passed = append(passed, p.Provider)
						if p.Reason == "" || p.Cause == nil {
							t.Errorf("passed without a reason: %+v", p)
						}
					}
					if diff := cmp.Diff([][]string{test.given, test.passed}, [][]string{s.Providers(), passed}); diff != "" {
						t.Errorf("-want +got\n%s", diff)
					}
					if !slices.Equal(answer(t, s), want) {
						t.Error("it answers otherwise")
					}
					return
				}
			}
			if test.given != nil || functions.KindOf(err) != functions.Unavailable {
				t.Fatalf("%v", err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

func TestAGraphIsFoundWhenTheGPUHasBeenGivenUp(t *testing.T) {
	e, cache := open(t), t.TempDir()
	o := centernetOptions
	o.Providers = []string{CUDA, CPU}
	for _, kept := range []bool{false, true} {
		m, err := Prepare(Source{Path: centernet, Cache: cache, Providers: o.Providers})
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, e, m, o)
		if s.Optimised() != kept {
			t.Errorf("from a kept graph: %v, want %v", s.Optimised(), kept)
		}
		if err := errors.Join(e.Keep(m, o), m.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsSaidOfAProvider(t *testing.T) {
	for text, want := range map[string]string{
		"CUDA execution provider is not enabled in this build. ": "is not in this build of ONNX Runtime",
		"Failed to load library /x/libonnxruntime_providers_shared.so with error: /x/libonnxruntime_providers_shared.so: cannot open shared object file": "is not in this build of ONNX Runtime",
		"Failed to load library libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file":                              "misses a library",
		"CUDA failure 100: no CUDA-capable device is detected ; GPU=-1":                                                                                  "finds no GPU",
		"Node (Conv_0) has no kernel": "will not start with this model",
	} {
		if got := (&refusal{CUDA, errors.New(text)}).reason(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheSettingsOfAGPU(t *testing.T) {
	o := centernetOptions
	if got := cudaSettings(o)["cudnn_conv_algo_search"]; got != "HEURISTIC" {
		t.Errorf("algorithms are searched for %s", got)
	}
	if limit, is := cudaSettings(o)["gpu_mem_limit"]; is {
		t.Errorf("a limit of %s that nobody set", limit)
	}
	o.GPU, o.Batches = GPU{MemoryLimit: 2 << 30, Engines: "/cache/engines/x", Half: true}, []int{2, 4, 8}
	if got := cudaSettings(o)["gpu_mem_limit"]; got != "2147483648" {
		t.Errorf("the arena's limit is %s", got)
	}
	want := map[string]string{
		"device_id": "0", "trt_fp16_enable": "1",
		"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/cache/engines/x",
		"trt_timing_cache_enable": "1", "trt_timing_cache_path": "/cache/engines/x",
		"trt_profile_min_shapes": "images:1x3x512x512",
		"trt_profile_opt_shapes": "images:8x3x512x512",
		"trt_profile_max_shapes": "images:8x3x512x512",
	}
	if diff := cmp.Diff(want, tensorRTSettings(o)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"device_id": "0"}, tensorRTSettings(centernetOptions)); diff != "" {
		t.Errorf("nothing set: -want +got\n%s", diff)
	}
}

func TestABatchAnswersAsItsPicturesDo(t *testing.T) {
	e := open(t)
	o := centernetOptions
	o.Batches = []int{2, 4}
	s := session(t, e, prepare(t, ""), o)
	other := make([]float32, 3*512*512)
	for i := range other {
		other[i] = float32(i%313) / 313
	}
	run := func(pictures ...[]float32) (got []float32, err error) {
		in := detector.Tensor{Shape: []int64{int64(len(pictures)), 3, 512, 512}, Data: slices.Concat(pictures...)}
		err = s.Run(t.Context(), []detector.Tensor{in}, func(outputs []detector.Tensor) error {
			if want := []int64{int64(len(pictures)), 100, 6}; !slices.Equal(outputs[0].Shape, want) {
				t.Errorf("outputs %v, want %v", outputs[0].Shape, want)
			}
			got = slices.Clone(outputs[0].Data)
			return nil
		})
		return got, err
	}
	first, err := run(slope())
	if err != nil {
		t.Fatal(err)
	}
	second, err := run(other)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		both, err := run(slope(), other)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range slices.Concat(first, second) {
			if d := both[i] - want; d > 1e-3 || d < -1e-3 {
				t.Fatalf("value %d is %v, alone it is %v", i, both[i], want)
			}
		}
	}
	if _, err := run(other, other, other); err == nil || !strings.Contains(err.Error(), "batch of 3") {
		t.Errorf("a batch that was not asked for: %v", err)
	}
}
