package functions

import "testing"

func TestAVariantIsServedInThePlaceOfTheModel(t *testing.T) {
	var f Function
	f.Spec.Model = Model{
		URI: "m.onnx", SHA256: "00", Variants: map[string]string{"int8": "m-int8.onnx"}, Variant: "int8",
	}
	once := f.WithDefaults().Spec.Model
	if once.URI != "m-int8.onnx" || once.SHA256 != "" {
		t.Errorf("%+v; the sum of another file is no sum of this one", once)
	}
	f.Spec.Model.Variant = ""
	if whole := f.WithDefaults().Spec.Model; whole.URI != "m.onnx" || whole.SHA256 != "00" {
		t.Errorf("%+v without a variant chosen", whole)
	}
}

func TestAnInstanceTakesAsManyRequestsAsItsRunsHavePictures(t *testing.T) {
	var f Function
	f.Spec.Runtime = Runtime{Parallel: 2, Batch: Batch{Max: 8}}
	if got := f.WithDefaults().Spec.Scaling.ContainerConcurrency; got != 16 {
		t.Errorf("%d at a time, want 16", got)
	}
	f.Spec.Runtime = Runtime{Parallel: 999, Batch: Batch{Max: 64}}
	if got := f.WithDefaults().Spec.Scaling.ContainerConcurrency; got != 1000 {
		t.Errorf("%d at a time, and Knative takes at most 1000", got)
	}
}
