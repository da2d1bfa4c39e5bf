package render_test

import (
	"strings"
	"testing"

	"github.com/seed45885407/saccade/knative/render"
)

func TestAModelsImageIsNamedWhole(t *testing.T) {
	digest := "@sha256:" + sum
	for reference, valid := range map[string]bool{
		modelImage:                                       true,
		"localhost:5000/shelves" + digest:                true,
		"registry.example/a/b__c/d-e.f:1.0_x":            true,
		"registry.example/shelves:1" + digest:            true,
		"[::1]:5000/shelves:1":                           false,
		"registry.example/shelves":                       false, // latest, whatever that is
		"shelves:1":                                      false,
		"registry.example/Shelves:1":                     false,
		"registry.example/shelves@sha256:abc":            false,
		"registry.example/shelves" + digest + "0":        false,
		"registry.example/shelves@md5:" + sum[:32]:       false,
		"https://registry.example/shelves" + digest:      false,
		"oci://registry.example/shelves" + digest:        false,
		"me:pass@registry.example/shelves" + digest:      false,
		"registry.example/shelves:1\nx: y":               false,
		"registry.example//shelves:1":                    false,
		"registry.example/../shelves:1":                  false,
		"r.example/" + strings.Repeat("a/", 300) + "b:1": false,
	} {
		o := delivered(render.DeliverVolume)
		o.ModelImage = reference
		_, err := render.Objects(shelves(t, ""), o)
		if valid != (err == nil) {
			t.Errorf("%q: %v", reference, err)
		}
		if err != nil && !strings.Contains(err.Error(), "REGISTRY/REPOSITORY@sha256:") {
			t.Errorf("%q: it does not say how: %v", reference, err)
		}
	}
}

func TestATagOfAModelsImageIsSaidToBeNone(t *testing.T) {
	f := shelves(t, "  model: {uri: shelves.onnx}\n  resources: {cpu: 1}\n") // no sum: the image has one
	for reference, want := range map[string]int{modelImage: 1, "registry.example/shelves:1": 2} {
		o := delivered(render.DeliverVolume)
		o.ModelImage = reference
		notes := render.Notes(f, o)
		if len(notes) != want {
			t.Fatalf("%s: %q", reference, notes)
		}
		if !strings.Contains(notes[0], "Knative Serving 1.19") || !strings.Contains(notes[0], "ImageVolume") {
			t.Errorf("it does not say what is needed: %s", notes[0])
		}
		if want == 2 && !strings.Contains(notes[1], "a tag, which may come to mean another") {
			t.Error(notes[1])
		}
	}
}
