package render_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

const image = "ghcr.io/seed45885407/saccade-runtime:1.2.3"

const modelImage = "registry.example/models/shelves@sha256:" + sum

const sum = "b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4" // centernet's

// shelves is a function.yaml with the fields of spec that more adds.
func shelves(t *testing.T, more string) functions.Function {
	t.Helper()
	if !strings.Contains(more, "model:") {
		more = "  model: {uri: https://models.example/shelves.onnx, sha256: " + sum + "}\n" + more
	}
	text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: shelves}\nspec:\n" + more
	return read(t, fstest.MapFS{
		"function.yaml": {Data: []byte(text)}, "labels.txt": {Data: []byte("full\nempty\n")},
	})
}

func read(t *testing.T, folder fs.FS) functions.Function {
	t.Helper()
	f, err := catalog.Read(folder, ".")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shipped is a function that comes with Saccade, and its folder.
func shipped(t *testing.T, name string) (functions.Function, fs.FS) {
	t.Helper()
	folder, err := fs.Sub(functions.Shipped, name)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, folder), folder
}

const (
	everything = `  model: {uri: "https://models.example:8443/shelves.onnx", family: yolov8, labelsFile: labels.txt}
  runtime: {threads: 2}
  scaling:
    minScale: 1
    initialScale: 2
    maxScale: 8
    containerConcurrency: 3
    metric: rps
    target: 12.5
    targetUtilization: 80
    window: 2m
    panicWindowPercentage: 20
    panicThresholdPercentage: 150
    scaleDownDelay: 90s
    scaleToZeroPodRetention: 10m
    startTimeout: 1500ms
    timeout: 2500ms
  resources: {cpu: 4, memory: 1Gi}
  cluster:
    requests: {cpu: 250m, memory: 512Mi}
    nodeSelector: {disk: ssd}
    tolerations: [spot, 'team=eyes:NoSchedule']
    serviceAccount: eyes
    pullSecrets: [registry]
    volumes: {/etc/ssl/ours: configMap/ca}
`
	gpu = `  runtime: {providers: [tensorrt, cuda, cpu], require: cuda, batch: {max: 8, delay: 2ms}, parallel: 2}
  scaling: {autoscaler: startup-aware, maxScale: 2}
  resources: {cpu: 2, memory: 4Gi, gpuMemory: 6Gi}
  cluster:
    gpuResource: nvidia.com/mig-1g.10gb
    runtimeClass: nvidia
    nodeSelector: {nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB-MIG-1g.10gb}
    tolerations: ['nvidia.com/gpu:NoSchedule']
`
	hpa    = "  scaling: {autoscaler: hpa, minScale: 2, maxScale: 10, target: 65}\n  resources: {cpu: 2}\n"
	lambda = "  scaling: {style: lambda, timeout: 9m50s, lambda: {memory: 3538, reservedConcurrency: 20, provisionedConcurrency: 1, keepAlive: 5m}}\n"
)

func TestTheObjectsAreTheseToTheByte(t *testing.T) {
	centernet, folder := shipped(t, "centernet")
	for name, c := range map[string]struct {
		function functions.Function
		options  render.Options
	}{
		"centernet":  {centernet, render.Options{Folder: folder}},
		"everything": {shelves(t, everything), render.Options{Namespace: "eyes", Mirror: "http://mirror.example:8081/models", AllowNamespaces: []string{"monitoring"}}},
		"gpu":        {shelves(t, gpu), render.Options{}},
		"hpa":        {shelves(t, hpa), render.Options{Cache: render.EmptyDir, NoNetworkPolicy: true}},
		"lambda":     {shelves(t, lambda), render.Options{NoNetworkPolicy: true, Public: true}},
		"pvc":        {shelves(t, ""), render.Options{Delivery: render.DeliverPVC, Cache: "ours", FSGroup: 65532}},
		"image":      {shelves(t, "  model: {uri: shelves.onnx, sha256: "+sum+"}\n"), render.Options{Delivery: render.DeliverImage}},
		"volume":     {shelves(t, "  model: {uri: shelves.onnx, sha256: "+sum+"}\n"), render.Options{Delivery: render.DeliverVolume, ModelImage: modelImage}},
		"runtime":    {shelves(t, ""), render.Options{Delivery: render.DeliverRuntime, Cache: render.EmptyDir, Mirror: "https://mirror.example/models"}},
		"init":       {shelves(t, ""), render.Options{Delivery: render.DeliverInit, Mirror: "https://mirror.example/models"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Image = image
			objects, err := render.Objects(c.function, c.options)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := render.YAML(&got, objects); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("go test ./knative/render -update writes it anew. -want +got\n%s", diff)
			}
			for _, never := range []string{"null", "status:", "creationTimestamp"} {
				if strings.Contains(got.String(), never) {
					t.Errorf("it says %s", never)
				}
			}
		})
	}
}

// The pod reads what the annotation holds: a valid function.yaml, complete, that says
// the same wherever it is read.
func TestTheDeclarationIsAWholeFunction(t *testing.T) {
	for name, more := range map[string]string{"everything": everything, "gpu": gpu, "hpa": hpa, "lambda": lambda, "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			f := shelves(t, more)
			objects, err := render.Objects(f, render.Options{Image: image})
			if err != nil {
				t.Fatal(err)
			}
			text, found := templateAnnotations(t, objects)[render.AnnotationDeclaration]
			if !found {
				t.Fatal("there is no declaration")
			}
			again := read(t, fstest.MapFS{"function.yaml": {Data: []byte(text)}})
			want := render.Complete(f)
			want.Spec.Model.LabelsFile = "" // the names themselves are in it
			if diff := cmp.Diff(want, again); diff != "" {
				t.Errorf("-complete +declaration\n%s", diff)
			}
			if diff := cmp.Diff(again, again.WithDefaults()); diff != "" {
				t.Errorf("something is left to the machine that reads it\n%s", diff)
			}
		})
	}
}

func TestWhatNoPodCouldStartWithIsRefused(t *testing.T) {
	beside := func(uri string) string { return "  model: {uri: '" + uri + "'}\n" }
	many := "  model: {uri: https://models.example/m.onnx, labels: [" + strings.Repeat("abcdefghi, ", 20000) + "x]}\n"
	centernet, folder := shipped(t, "centernet")
	undeclared := centernet
	undeclared.Spec.Model.SHA256 = ""
	for name, c := range map[string]struct {
		function functions.Function
		options  render.Options
		want     string // "": it is rendered
	}{
		"a model beside function.yaml":       {shelves(t, beside("m.onnx")), render.Options{}, "m.onnx is a file on this machine, which no pod can reach: put it into an image (--delivery image, volume), into a claim (--delivery pvc), or behind an https address"},
		"the same for an init container":     {shelves(t, beside("m.onnx")), render.Options{Delivery: render.DeliverInit}, "which no pod can reach"},
		"the same in an image of its own":    {shelves(t, beside("m.onnx")), render.Options{Delivery: render.DeliverVolume, ModelImage: modelImage}, ""},
		"the same in the image":              {shelves(t, beside("m.onnx")), render.Options{Delivery: render.DeliverImage}, ""},
		"the same in a claim, without a sum": {shelves(t, beside("m.onnx")), render.Options{Delivery: render.DeliverPVC}, "m.onnx is found in a claim by its sum alone: spec.model.sha256 gives it"},
		"a model elsewhere on this machine":  {shelves(t, beside("file:///m.onnx")), render.Options{}, "which no pod can reach"},
		"a shipped model":                    {centernet, render.Options{}, ""},
		"a shipped model by its folder":      {undeclared, render.Options{Folder: folder}, ""},
		"one that is called like it":         {undeclared, render.Options{Folder: fstest.MapFS{"centernet-mbv3.onnx": {Data: []byte("another")}}}, "which no pod can reach"},
		"one that nobody has seen":           {undeclared, render.Options{}, "which no pod can reach"},
		"one that is not there":              {undeclared, render.Options{Folder: fstest.MapFS{}}, "reading the model: "},
		"credentials in the address":         {shelves(t, beside("https://me:pass@models.example/m.onnx")), render.Options{}, "the model's address has credentials in it"},
		"a signature in the address":         {shelves(t, beside("https://models.example/m.onnx?X-Amz-Signature=abc")), render.Options{}, "has a secret in its query (x-amz-signature)"},
		"a harmless query":                   {shelves(t, beside("https://models.example/m.onnx?download=true")), render.Options{}, ""},
		"a secret in the mirror":             {shelves(t, ""), render.Options{Mirror: "https://me:pass@mirror.example"}, "the mirror https://mirror.example has credentials in it"},
		"a mirror on this machine":           {shelves(t, ""), render.Options{Mirror: "/srv/models"}, `the mirror "/srv/models" is no http(s) address`},
		"an unknown delivery":                {shelves(t, ""), render.Options{Delivery: "drone"}, `delivery "drone" is none of [runtime init pvc image volume]`},
		"a volume of no image":               {shelves(t, ""), render.Options{Delivery: render.DeliverVolume}, "delivery volume needs the image that holds the model: --model-image names it"},
		"a model's image that is not used":   {shelves(t, ""), render.Options{ModelImage: modelImage}, "--model-image is for --delivery volume"},
		"a claim that is none":               {shelves(t, ""), render.Options{Delivery: render.DeliverPVC, Cache: render.EmptyDir}, "delivery pvc needs the claim"},
		"a long timeout":                     {shelves(t, "  scaling: {timeout: 15m}\n"), render.Options{}, "spec.scaling.timeout, 15m0s, is more than the 10m0s that Knative lets a revision have"},
		"a long timeout where it may be":     {shelves(t, "  scaling: {timeout: 15m}\n"), render.Options{MaxTimeout: 15 * 60e9}, ""},
		"too many names for an annotation":   {shelves(t, many), render.Options{}, "20001 class names are too many for it"},
		"an address with a secret, mounted":  {shelves(t, beside("https://me:pass@models.example/m.onnx")), render.Options{Delivery: render.DeliverVolume, ModelImage: modelImage}, "the model's address has credentials in it"},
		"what the catalog refuses":           {functions.Function{}, render.Options{}, "metadata.name: is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Image = image
			_, err := render.Objects(c.function, c.options)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), "pass"):
				t.Errorf("it tells the password: %v", err)
			}
		})
	}
	if _, err := render.Objects(centernet, render.Options{}); err == nil || !strings.Contains(err.Error(), "--image") {
		t.Errorf("without an image: %v", err)
	}
}

func TestWhatAClusterDoesOtherwiseIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		more string
		want []string
	}{
		"nothing":              {"  resources: {cpu: 1}\n", nil},
		"no CPU":               {"", []string{"resources.cpu is not set"}},
		"hpa":                  {"  scaling: {autoscaler: hpa}\n", []string{"never goes to zero", "counts CPU as a share of", "resources.cpu is not set"}},
		"lambda with a weight": {"  scaling: {style: lambda, lambda: {versionWeight: 10}}\n", []string{"style lambda", "versionWeight is not rendered"}},
		"a device":             {"  runtime: {providers: [cuda, cpu], device: GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a}\n  resources: {cpu: 1}\n", []string{"is one machine's"}},
		"a GPU":                {"  runtime: {providers: [cuda]}\n  resources: {cpu: 1}\n", []string{"built for CUDA"}},
		"no sum":               {"  model: {uri: https://models.example/m.onnx}\n  resources: {cpu: 1}\n", []string{"sha256 is not set"}},
	} {
		t.Run(name, func(t *testing.T) {
			notes := render.Notes(shelves(t, c.more), render.Options{Image: image})
			if len(notes) != len(c.want) {
				t.Fatalf("%q, want %q", notes, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(notes[i], want) {
					t.Errorf("%q, want %q", notes[i], want)
				}
			}
		})
	}
}
