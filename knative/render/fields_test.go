package render_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/render"
)

const guide = "../../docs/render.md"

// inThePod are fields that the pod or the gateway reads off the declaration, and
// Knative has no word for; nowhere are those that a cluster has no use for. The guide
// tells each of them why.
var (
	inThePod = []string{
		"apiVersion", "kind",
		"spec.model.sha256", "spec.model.family", "spec.model.inputSize", "spec.model.feed.place", "spec.model.feed.pad", "spec.model.feed.colours",
		"spec.model.feed.divisor", "spec.model.feed.mean", "spec.model.feed.std", "spec.model.read.corners", "spec.model.read.unit",
		"spec.model.read.classIds", "spec.model.labels", "spec.model.licence", "spec.model.source",
		"spec.thresholds.minScore", "spec.thresholds.iou", "spec.thresholds.maxDetections",
		"spec.runtime.precision", "spec.runtime.batch.delay", "spec.resources.gpuMemory",
		"spec.drift.reference", "spec.drift.window", "spec.drift.psi", "spec.drift.ks",
		"spec.scaling.style", "spec.scaling.lambda.versionWeight",
	}
	nowhere = []string{"spec.model.labelsFile", "spec.model.variants", "spec.model.variant", "spec.runtime.device", "spec.drift.referenceFile"}
)

// base is a function in which each field can be changed to something that counts.
func base(t *testing.T, style string) functions.Function {
	f := shelves(t, "")
	f.Spec.Scaling.Style = style
	f.Spec.Runtime.Providers = []string{"cuda", "cpu"}
	return f
}

// changed is another value than v's, valid at path.
func changed(t *testing.T, path string, v reflect.Value) {
	rule := catalog.Rules()[path]
	special := map[string]any{
		"metadata.name": "other", "metadata.labels": map[string]string{"team": "eyes"},
		"spec.model.uri": "https://models.example:8443/m.onnx", "spec.model.sha256": strings.Repeat("ab", 32),
		"spec.model.variants": map[string]string{"int8": "https://models.example/int8.onnx"}, "spec.model.variant": "int8",
		"spec.model.labelsFile": "labels.txt", "spec.drift.referenceFile": "reference.json",
		"spec.runtime.providers": []string{"cuda"}, "spec.runtime.require": "cuda",
		"spec.runtime.device": "GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a", "spec.runtime.precision": "fp16",
		"spec.scaling.style": "lambda", "spec.scaling.autoscaler": "hpa", "spec.scaling.metric": "rps",
		"spec.cluster.gpuResource": "nvidia.com/mig-1g.10gb", "spec.cluster.nodeSelector": map[string]string{"disk": "ssd"},
		"spec.cluster.tolerations": []string{"spot"}, "spec.cluster.volumes": map[string]string{"/data": "claim/theirs"},
	}
	if value, is := special[path]; is {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[functions.Duration]():
		v.SetInt(int64(7 * time.Second))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		changed(t, path, v.Elem())
	case v.Kind() == reflect.Int:
		v.SetInt(max(3, int64(rule.Min)+64))
		if rule.Max > 0 {
			v.SetInt(min(v.Int(), int64(rule.Max)))
		}
	case v.Kind() == reflect.Float64:
		v.SetFloat(max(0.5, rule.Min+(min(rule.Max, 1000)-rule.Min)/3))
	case rule.Quantity:
		v.SetString("3")
	case rule.OneOf != nil:
		v.SetString(rule.OneOf[len(rule.OneOf)-1])
	case v.Kind() == reflect.String:
		v.SetString("words")
	case v.Type() == reflect.TypeFor[[]float64]():
		v.Set(reflect.ValueOf([]float64{0.1, 0.2, 0.3}))
	case v.Type() == reflect.TypeFor[[]string]():
		v.Set(reflect.ValueOf([]string{"some"}))
	default:
		t.Fatalf("%s: what is another %s?", path, v.Type())
	}
}

// at is the field of f at path.
func at(f *functions.Function, path string) reflect.Value {
	v := reflect.ValueOf(f).Elem()
	for step := range strings.SplitSeq(path, ".") {
		for i := range v.NumField() {
			if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); name == step {
				v = v.Field(i)
				break
			}
		}
	}
	return v
}

// seen is what Kubernetes and Knative see of f, the declaration apart.
func seen(t *testing.T, f functions.Function) (objects, declaration string) {
	t.Helper()
	list, err := render.Objects(f, render.Options{Image: image})
	if err != nil {
		t.Fatal(err)
	}
	annotations := []string{"spec", "template", "metadata", "annotations", render.AnnotationDeclaration}
	service := list[len(list)-1].Object
	declaration, _, err = unstructured.NestedString(service, annotations...)
	if err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(service, annotations...)
	var out strings.Builder
	if err := render.YAML(&out, list); err != nil {
		t.Fatal(err)
	}
	return out.String(), declaration
}

// No field of function.yaml is forgotten: a change of it changes what Knative sees, or
// what the pod reads where the table says so, or nothing where the table says that; and
// the guide has a row for it.
func TestEveryFieldIsRenderedOrSaidNotToBe(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\| ").FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`([a-zA-Z0-9.]+)`").FindAllStringSubmatch(row[1], -1) {
			told = append(told, name[1])
		}
	}
	for _, field := range catalog.Fields() {
		t.Run(field.Path, func(t *testing.T) {
			if !slices.Contains(told, field.Path) && !slices.Contains(told, strings.TrimPrefix(field.Path, "spec.")) {
				t.Errorf("%s has no row for it", guide)
			}
			style := functions.StyleKubernetes
			if strings.HasPrefix(field.Path, "spec.scaling.lambda.") {
				style = functions.StyleLambda
			}
			one, two := base(t, style), base(t, style)
			switch field.Path {
			case "apiVersion", "kind":
				return // there is one value
			case "spec.scaling.style":
				two.Spec.Resources = functions.Resources{}
			case "spec.runtime.precision":
				one.Spec.Runtime.Providers, two.Spec.Runtime.Providers = []string{"tensorrt", "cpu"}, []string{"tensorrt", "cpu"}
			case "spec.runtime.batch.delay":
				one.Spec.Runtime.Batch.Max, two.Spec.Runtime.Batch.Max = 2, 2
			case "spec.model.variant":
				one.Spec.Model.Variants, two.Spec.Model.Variants = map[string]string{"int8": "https://m.example/m.onnx"}, map[string]string{"int8": "https://m.example/m.onnx"}
			case "spec.cluster.gpuResource":
				one.Spec.Resources.GPU, two.Spec.Resources.GPU = 1, 1
			case "spec.scaling.lambda.provisionedConcurrency":
				one.Spec.Scaling.Lambda.ReservedConcurrency, two.Spec.Scaling.Lambda.ReservedConcurrency = 900, 900
			}
			changed(t, field.Path, at(&two, field.Path))
			if err := catalog.Validate(two); err != nil {
				t.Fatalf("the test's own value is not valid: %v", err)
			}
			before, declared := seen(t, one)
			after, redeclared := seen(t, two)
			switch objects, declaration := before != after, declared != redeclared; {
			case slices.Contains(nowhere, field.Path) && field.Path != "spec.model.variant":
				if objects || declaration {
					t.Error("it is said to be nowhere, and changes something")
				}
			case slices.Contains(inThePod, field.Path) && field.Path != "spec.scaling.style":
				if objects || !declaration {
					t.Errorf("it is said to be in the declaration alone: objects change %v, declaration %v", objects, declaration)
				}
			case field.Path == "spec.model.variant":
				if !declaration {
					t.Error("another model is served, and nobody is told")
				}
			case field.Path == "spec.runtime.require":
				if !objects || !declaration {
					t.Error("a GPU is required, and none asked for")
				}
			default:
				if !objects {
					t.Error("Knative sees nothing of it")
				}
			}
		})
	}
}
