package render

import (
	"errors"
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// modelVolume is the volume of an image with a model.
const modelVolume = "model"

// volumeVersions is what a volume of an image needs (kubernetes.io/docs/tasks/
// configure-pod-container/image-volumes; containerd v2.1.0; knative/serving#15878).
const volumeVersions = "Kubernetes 1.31 or newer with its feature ImageVolume (on by itself from 1.35), " +
	"containerd 2.1 or CRI-O 1.31 on the nodes, and Knative Serving 1.19"

// reference is an image's name with a tag, a digest, or both (the grammar of
// distribution/reference). A name that says neither is refused, and one of a single
// word, which would be looked for among Docker Hub's own.
var reference = regexp.MustCompile(`^` +
	`([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*(:[0-9]{1,5})?)` + // registry
	`(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+` +
	`(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$`)

// maxReference is the most bytes of one: what registries take of a name (255), and the
// longest tag and digest.
const maxReference = 255 + 1 + 128 + 1 + 71

// modelImage says what is wrong with the image that is to hold the model, or nothing.
func (o Options) modelImage() error {
	switch {
	case o.Delivery != DeliverVolume && o.ModelImage != "":
		return errors.New("--model-image is for --delivery volume")
	case o.Delivery != DeliverVolume:
		return nil
	case o.ModelImage == "":
		return errors.New("delivery volume needs the image that holds the model: --model-image names it")
	case len(o.ModelImage) > maxReference || !reference.MatchString(o.ModelImage):
		return fmt.Errorf("the model's image %.200q is not REGISTRY/REPOSITORY@sha256:... (or :TAG)", o.ModelImage)
	}
	return nil
}

// addModelImage gives the Knative Service the volume that its container mounts already.
// It is written past the Go types: those of the oldest Kubernetes that is spoken to here
// have no such volume.
func addModelImage(service *Object, image string) error {
	path := []string{"spec", "template", "spec", "volumes"}
	volumes, _, err := unstructured.NestedSlice(service.Object, path...)
	if err != nil {
		return err
	}
	volumes = append(volumes, map[string]any{
		"name": modelVolume,
		// A digest is the same everywhere, and a start asks no registry for what its node has.
		"image": map[string]any{"reference": image, "pullPolicy": "IfNotPresent"},
	})
	return unstructured.SetNestedSlice(service.Object, volumes, path...)
}
