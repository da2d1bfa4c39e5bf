package inspect

import (
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// What the authors publish; they count normalisations that an export has folded into
// convolutions, and so a little more.
func TestTheCostOfKnownModelsIsWhatTheirAuthorsSay(t *testing.T) {
	for name, want := range map[string]struct{ gflops, within, parameters float64 }{
		"yolo11n":         {6.5, 0.1, 2.6},
		"yolo11n-dynamic": {6.5, 0.1, 2.6},
		"yolo26n":         {5.4, 0.2, 2.4},
		"yolox_nano":      {1.08, 0.05, 0.91},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Inspect(testdata(t, "models/"+name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Recognise(m, functions.Function{})
			if err != nil {
				t.Fatal(err)
			}
			c := m.Cost(r.Inputs)
			t.Log(c)
			if got := c.GFLOPs(); c.Uncounted > 0 || got < want.gflops-want.within || got > want.gflops+want.within {
				t.Errorf("%.3f GFLOPs (%d uncounted), want %.2f", got, c.Uncounted, want.gflops)
			}
			if got := float64(c.Parameters) / 1e6; got < want.parameters*0.95 || got > want.parameters*1.05 {
				t.Errorf("%.3f million parameters, want %.2f", got, want.parameters)
			}
		})
	}
	for _, name := range []string{"centernet-mbv3", "deimv2_hgnetv2_atto_coco", "deimv2_atto_raw"} {
		m, err := Inspect(testdata(t, "models/"+name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Recognise(m, functions.Function{})
		if err != nil {
			t.Fatal(err)
		}
		c := m.Cost(r.Inputs)
		t.Log(name, c)
		if c.Uncounted > 0 {
			t.Errorf("%s: %d operations of unknown shape", name, c.Uncounted)
		}
	}
}
