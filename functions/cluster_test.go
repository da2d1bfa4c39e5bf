package functions_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestHowManyGPUsAFunctionHolds(t *testing.T) {
	for name, c := range map[string]struct {
		runtime functions.Runtime
		gpu     int
		want    int
	}{
		"nothing said":                     {functions.Runtime{}, 0, 0},
		"the CPU alone":                    {functions.Runtime{Providers: []string{"cpu"}}, 0, 0},
		"a GPU or the CPU":                 {functions.Runtime{Providers: []string{"cuda", "cpu"}}, 0, 0},
		"a GPU or the CPU, and one of two": {functions.Runtime{Providers: []string{"cuda", "cpu"}}, 2, 2},
		"a GPU alone":                      {functions.Runtime{Providers: []string{"tensorrt", "cuda"}}, 0, 1},
		"a GPU that is required":           {functions.Runtime{Providers: []string{"cuda", "cpu"}, Require: "cuda"}, 0, 1},
		"a CPU that is required":           {functions.Runtime{Providers: []string{"cuda", "cpu"}, Require: "cpu"}, 0, 0},
	} {
		s := functions.Spec{Runtime: c.runtime, Resources: functions.Resources{GPU: c.gpu}}
		if got := s.GPUs(); got != c.want {
			t.Errorf("%s: %d GPUs, want %d", name, got, c.want)
		}
	}
}

func TestWhereThereIsNoHPAKPATakesItsPlace(t *testing.T) {
	f := functions.Function{}
	f.Spec.Scaling = functions.Scaling{Autoscaler: functions.AutoscalerHPA, ContainerConcurrency: 3}
	s := f.WithDefaults().Spec.Scaling
	if s.Metric != functions.MetricCPU || s.Target != functions.DefaultCPUTarget {
		t.Errorf("hpa counts %s, up to %v", s.Metric, s.Target)
	}
	if s = s.WithoutHPA(); s.Autoscaler != functions.AutoscalerKPA || s.Metric != functions.MetricConcurrency || s.Target != 3 {
		t.Errorf("in its place %s counts %s, up to %v", s.Autoscaler, s.Metric, s.Target)
	}
	if again := s.WithoutHPA(); again != s {
		t.Error("the second time it is another")
	}
}

func TestAShippedModelIsFoundByItsSum(t *testing.T) {
	folder, name, ok := functions.ShippedModel("b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4")
	if !ok || name != "centernet/centernet-mbv3.onnx" {
		t.Fatalf("%s, %v", name, ok)
	}
	if info, err := fs.Stat(folder, name); err != nil || info.Size() < 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
	if _, name, ok := functions.ShippedModel(strings.Repeat("ab", 32)); ok {
		t.Errorf("%s has a sum of nobody's", name)
	}
}
