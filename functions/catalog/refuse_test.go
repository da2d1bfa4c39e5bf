package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions/catalog"
)

func TestReadRefuses(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(minimal, old) {
			t.Fatalf("%q is not in the minimal function", old)
		}
		return strings.Replace(minimal, old, new, 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"an empty file":                              {"", "x/function.yaml: is empty"},
		"a comment alone":                            {"# hi\n", "x/function.yaml: is empty"},
		"an empty document":                          {"---\n", "x/function.yaml: is empty"},
		"a second document":                          {minimal + "---\nkind: Function\n", "7: starts a second document: one file declares one function"},
		"a syntax error":                             {minimal + "  runtime: {threads: 1\n  scaling: a\n", "7: is not valid YAML: did not find expected ',' or '}'"},
		"a syntax error in line one":                 {"a: b: c\n", "1: is not valid YAML: mapping values are not allowed in this context"},
		"a tab for indentation":                      {"metadata:\n\tname: x\n", "2: is not valid YAML: found character that cannot start any token"},
		"bytes that are no text":                     {minimal + "  runtime: \xff\n", "7: is not UTF-8"},
		"a control character":                        {minimal + "\x00", "7: holds the control character 0x0"},
		"a list for a file":                          {"- a\n", "1: is a list where a group of fields belongs"},
		"text for a file":                            {"hello\n", "1: is text where a group of fields belongs"},
		"an alias of itself":                         {"metadata: &m\n  name: x\n  labels: *m\n" + strings.Replace(minimal, "metadata: {name: x}\n", "", 1), "3: metadata.labels.labels: is a group of fields where text belongs"},
		"an alias to nothing":                        {minimal + "  runtime: *nothing\n", "7: is not valid YAML: unknown anchor 'nothing' referenced"},
		"a merge key":                                {minimal + "  runtime: {<<: {threads: 1}}\n", "7: spec.runtime.<<: is a merge key: write the fields out"},
		"a field name that is a list":                {minimal + "  ? [a, b]\n  : 1\n", "7: spec.?: is a field whose name is not text"},
		"an unknown field":                           {minimal + "  resource: {}\n", "7: spec.resource: is no field there is: did you mean resources?"},
		"a field in another case":                    {replace("uri", "URI"), "5: spec.model.uri: is missing\n6: spec.model.URI: is no field there is: did you mean uri?"},
		"a field like no other":                      {minimal + "  colour: red\n", "7: spec.colour: is no field there is"},
		"a field that is there twice":                {minimal + "    uri: n.onnx\n", "7: spec.model.uri: is there already, in line 6"},
		"another API version":                        {replace("v1alpha1", "v1"), "1: apiVersion: saccade.dev/v1 is not saccade.dev/v1alpha1"},
		"another kind":                               {replace("kind: Function", "kind: Service"), "2: kind: Service is not Function"},
		"a name that is no DNS label":                {replace("name: x", "name: X_1"), "3: metadata.name: X_1 is not a DNS label: lower-case letters, digits and hyphens, a letter first and no hyphen last"},
		"a name that is too long":                    {replace("name: x", "name: "+strings.Repeat("a", 53)), "3: metadata.name: " + strings.Repeat("a", 53) + " is longer than 52 characters"},
		"a name of another folder":                   {replace("name: x", "name: y"), "3: metadata.name: y is not the name of its folder, x"},
		"a name that is a number":                    {replace("name: x", "name: 7"), "3: metadata.name: 7 is a number where text belongs: put it in quotes"},
		"a name that is nothing":                     {replace("name: x", "name: "), "3: metadata.name: is missing"},
		"no model":                                   {"apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: x}\nspec:\n  runtime: {threads: 1}\n", "4: spec.model.uri: is missing"},
		"a model of text":                            {"apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: x}\nspec:\n  model: a\n", "5: spec.model: is text where a group of fields belongs"},
		"a path out of the folder":                   {replace("m.onnx", "../m.onnx"), "6: spec.model.uri: ../m.onnx climbs out of the function's folder"},
		"an unknown scheme":                          {replace("m.onnx", "s3://b/m.onnx"), `6: spec.model.uri: s3://b/m.onnx has a scheme we do not know, "s3": use https, http, file, or a path in the function's folder`},
		"a sum in capitals":                          {minimal + "    sha256: " + strings.Repeat("A", 64) + "\n", "7: spec.model.sha256: " + strings.Repeat("A", 60) + "… is not a SHA-256: 64 lower-case hex digits"},
		"an unknown family":                          {minimal + "    family: yolov4\n", "7: spec.model.family: yolov4 is not one of auto, yolov5, yolov6, yolov7-e2e, yolov8, yolo-e2e, yolox, yolox-decoded, centernet, detr, detr-raw, detr-softmax, rtdetr, ssd, tf-od, efficient-nms, nms-indices, paddle: did you mean yolov5?"},
		"an odd input size":                          {minimal + "    family: yolov8\n    inputSize: 600\n", "8: spec.model.inputSize: 600 is not a multiple of 32, as family yolov8 needs it"},
		"a mean of two channels":                     {minimal + "    feed: {mean: [0.5, 0.5]}\n", "7: spec.model.feed.mean: has 2 items where 3 belong, one a channel"},
		"a mean that is no number":                   {minimal + "    feed: {mean: [0.5, high, 0.5]}\n", "7: spec.model.feed.mean[1]: high is not a number"},
		"a deviation of zero":                        {minimal + "    feed: {std: [0.2, 0, 0.2]}\n", "7: spec.model.feed.std[1]: 0 is not between 0.00001 and 65535"},
		"a padding that is no byte":                  {minimal + "    feed: {pad: 256}\n", "7: spec.model.feed.pad: 256 is not between 0 and 255"},
		"a padding that nobody sees":                 {minimal + "    family: detr\n    feed: {pad: 0}\n", "8: spec.model.feed.pad: is seen by nobody: the picture is stretched over all of the input"},
		"a division by zero":                         {minimal + "    feed: {divisor: 0}\n", "7: spec.model.feed.divisor: 0 is not between 0.001 and 65535"},
		"another order of colours":                   {minimal + "    feed: {colours: gbr}\n", "7: spec.model.feed.colours: gbr is not one of rgb, bgr: did you mean bgr?"},
		"corners of a family that has one way":       {minimal + "    family: yolov8\n    read: {corners: yxyx}\n", "8: spec.model.read.corners: family yolov8 reads its boxes one way; efficient-nms, nms-indices, ssd, tf-od have a choice"},
		"an input size too large":                    {minimal + "    inputSize: 8192\n", "7: spec.model.inputSize: 8192 is not 0 or between 32 and 4096"},
		"a label that is a yes or no":                {minimal + "    labels:\n    - cat\n    - true\n", "9: spec.model.labels[1]: true is a yes or no where text belongs: put it in quotes"},
		"a label that is a date":                     {minimal + "    labels: [2024-01-01]\n", "7: spec.model.labels[0]: 2024-01-01 is a date where text belongs: put it in quotes"},
		"a label that is nothing":                    {minimal + "    labels: [cat, ]\n    labelsFile: [~]\n", "8: spec.model.labelsFile: is a list where text belongs"},
		"an empty label":                             {minimal + "    labels: [cat, '', ~]\n", "7: spec.model.labels[2]: is empty"},
		"a label with a tag":                         {minimal + "    labels: [!!binary aGk=]\n", "7: spec.model.labels[0]: aGk= is a value tagged binary where text belongs: put it in quotes"},
		"a label with an escape":                     {minimal + `    labels: ["a\eb"]` + "\n", `7: spec.model.labels[0]: "a\x1bb" holds a control character`},
		"no labels in a list":                        {minimal + "    labels: []\n", "7: spec.model.labels: is an empty list: leave it out"},
		"labels without a list":                      {minimal + "    labels: cat\n", "7: spec.model.labels: is text where a list belongs"},
		"a labels file outside":                      {minimal + "    labelsFile: ../l.txt\n", "7: spec.model.labelsFile: ../l.txt is no path inside the function's folder"},
		"a labels file that is away":                 {minimal + "    labelsFile: l.txt\n", "7: spec.model.labelsFile: x/l.txt: file does not exist"},
		"a score above one":                          {minimal + "  thresholds: {minScore: 1.4}\n", "7: spec.thresholds.minScore: 1.4 is not between 0 and 1"},
		"a score that is no number":                  {minimal + "  thresholds: {minScore: .nan, iou: .inf}\n", "7: spec.thresholds.minScore: NaN is no number to work with\n7: spec.thresholds.iou: +Inf is no number to work with"},
		"a score in words":                           {minimal + "  thresholds: {minScore: half}\n", "7: spec.thresholds.minScore: half is not a number"},
		"no detections at all":                       {minimal + "  thresholds: {maxDetections: 0}\n", "7: spec.thresholds.maxDetections: 0 is not between 1 and 10000"},
		"a broken number of threads":                 {minimal + "  runtime: {threads: 1.5}\n", "7: spec.runtime.threads: 1.5 is not a whole number"},
		"threads beyond any integer":                 {minimal + "  runtime: {threads: 99999999999999999999}\n", "7: spec.runtime.threads: 99999999999999999999 is not a whole number"},
		"a list of threads":                          {minimal + "  runtime: {threads: [1]}\n", "7: spec.runtime.threads: is a list where a whole number belongs"},
		"an unknown provider":                        {minimal + "  runtime: {providers: [cpu, cudnn]}\n", "7: spec.runtime.providers[1]: cudnn is not one of cpu, cuda, tensorrt: did you mean cuda?"},
		"a provider required that is not allowed":    {minimal + "  runtime: {require: cuda}\n", "7: spec.runtime.require: cuda is not among the providers, [cpu]"},
		"a GPU for the CPU alone":                    {minimal + "  runtime: {device: GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a}\n", "7: spec.runtime.device: is used by nobody: none of the providers, [cpu], uses a GPU"},
		"a GPU by its number":                        {minimal + "  runtime: {providers: [cuda], device: \"0\"}\n", "7: spec.runtime.device: 0 is not a GPU's UUID as nvidia-smi -L shows it: GPU-... or MIG-..."},
		"half precision without TensorRT":            {minimal + "  runtime: {providers: [cuda], precision: fp16}\n", "7: spec.runtime.precision: fp16 is tensorrt's, which is not among the providers, [cuda]; others compute in what the model is written in"},
		"waiting for others that may not come along": {minimal + "  runtime: {batch: {delay: 5ms}}\n", "7: spec.runtime.batch.delay: waits for nobody: batch.max is 1"},
		"a batch as it was written once":             {minimal + "  runtime: {batch: 4}\n", "7: spec.runtime.batch: is a number where a group of fields belongs"},
		"GPU memory for the CPU":                     {minimal + "  resources: {gpuMemory: 2Gi}\n", "7: spec.resources.gpuMemory: is used by nobody: none of the providers, [cpu], uses a GPU"},
		"a variant that is none":                     {minimal + "    variants: {int8: m8.onnx}\n    variant: int\n", "8: spec.model.variant: int is none of the variants, [int8]: did you mean int8?"},
		"a variant that climbs out":                  {minimal + "    variants: {int8: ../m8.onnx}\n", "7: spec.model.variants.int8: ../m8.onnx climbs out of the function's folder"},
		"a provider that comes twice":                {minimal + "  runtime: {providers: [cpu, cpu]}\n", "7: spec.runtime.providers[1]: cpu is there already"},
		"a window without a unit":                    {minimal + "  scaling: {window: 60}\n", "7: spec.scaling.window: 60 has no unit: write 60s for seconds"},
		"a window too short":                         {minimal + "  scaling: {window: 5s}\n", "7: spec.scaling.window: 5s is not between 6s and 1h in whole seconds"},
		"a window Knative cannot say":                {minimal + "  scaling: {window: 6500ms}\n", "7: spec.scaling.window: 6.5s is not between 6s and 1h in whole seconds"},
		"a window in words":                          {minimal + "  scaling: {window: long}\n", "7: spec.scaling.window: long is not a duration such as 90s, 5m or 1h30m"},
		"a timeout of nothing":                       {minimal + "  scaling: {timeout: 0s}\n", "7: spec.scaling.timeout: 0s is not between 1ms and 1h"},
		"a timeout in the past":                      {minimal + "  scaling: {startTimeout: -5s}\n", "7: spec.scaling.startTimeout: -5s is not between 1ms and 1h"},
		"more at least than at most":                 {minimal + "  scaling:\n    maxScale: 2\n    minScale: 3\n", "9: spec.scaling.minScale: 3 is more than maxScale, 2"},
		"an unknown metric":                          {minimal + "  scaling: {metric: memory}\n", "7: spec.scaling.metric: memory is not one of concurrency, rps, cpu"},
		"a target of zero":                           {minimal + "  scaling: {target: 0}\n", "7: spec.scaling.target: 0 is not between 0.01 and 1000000"},
		"a panic below the load":                     {minimal + "  scaling: {panicThresholdPercentage: 100}\n", "7: spec.scaling.panicThresholdPercentage: 100 is not between 110 and 1000"},
		"no CPU":                                     {minimal + "  resources: {cpu: 0}\n", "7: spec.resources.cpu: 0 is not between 1m and 1024 cores"},
		"memory in words":                            {minimal + "  resources: {memory: lots}\n", "7: spec.resources.memory: lots is not an amount of memory: 512Mi, 2Gi, 1G or a number of bytes"},
		"every fault at once": {
			"apiVersion: v1\nkind: Function\nmetadata: {name: x}\nspec:\n  model: {uri: /m.onnx}\n  thresholds: {minScore: 2, iuo: 1}\n",
			"1: apiVersion: v1 is not saccade.dev/v1alpha1\n5: spec.model.uri: /m.onnx is an absolute path: write file:///m.onnx\n" +
				"6: spec.thresholds.iuo: is no field there is: did you mean iou?\n6: spec.thresholds.minScore: 2 is not between 0 and 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.want
			if !strings.HasPrefix(want, "x/") {
				want = "x/function.yaml:" + strings.ReplaceAll(want, "\n", "\nx/function.yaml:")
			}
			_, err := catalog.Read(folder("x/function.yaml", c.text), "x")
			if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadBoundsWhatItTakes(t *testing.T) {
	for name, text := range map[string]string{
		"a file over a megabyte":       minimal + strings.Repeat("#", 1<<20),
		"flow lists without end":       strings.Repeat("[", 1<<19),
		"block lists without end":      strings.Repeat("- ", 1<<18),
		"labels without end":           minimal + "    labels: [" + strings.Repeat("a,", 1<<18) + "]\n",
		"aliases that double up":       bomb(),
		"as many faults as lines":      minimal + "    labels:\n" + strings.Repeat("    - {}\n", 1<<14),
		"as many fields as lines":      minimal + unknownFields(1<<14),
		"a name as long as the file":   strings.Repeat("n", 1<<19) + ": 1\n",
		"a number as long as the file": minimal + "  runtime: {threads: " + strings.Repeat("9", 1<<19) + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := catalog.Read(folder("x/function.yaml", text), "x")
			if err == nil {
				t.Fatal("was taken")
			}
			if n := len(err.Error()); n > 8<<10 {
				t.Errorf("the error is %d bytes long", n)
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := range 40 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	b.WriteString("metadata: *a40\n")
	return b.String()
}

func unknownFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  f%d: 1\n", i)
	}
	return b.String()
}
