package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

const committed = "../../functions/function.schema.json"

func TestTheCommittedSchemaIsUpToDate(t *testing.T) {
	want, err := Generate(filepath.Join("..", "..", "functions"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run: go -C tools/schema run .\n%s", diff)
	}
}

func TestTheSameSourceMakesTheSameBytesFromAnywhere(t *testing.T) {
	first, err := Generate(filepath.Join("..", "..", "functions"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "s.json")
	if err := run([]string{"-root", root, "-o", out}); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("differs by where it is made: %v %s", err, cmp.Diff(string(first), string(second)))
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(committed)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// check holds a function.yaml against the schema as an editor would.
func check(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

func TestEveryShippedFunctionIsValid(t *testing.T) {
	schema := compiled(t)
	files, err := fs.Glob(functions.Shipped, "*/function.yaml")
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(functions.Shipped, file)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(t, schema, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

const head = "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: x}\nspec:\n  model: {uri: m.onnx}\n"

// The schema and the catalog say the same of a file, as far as a schema can.
func TestSchemaAndCatalogAgree(t *testing.T) {
	schema := compiled(t)
	model := func(fields string) string { return strings.Replace(head, "uri: m.onnx", "uri: m.onnx, "+fields, 1) }
	for name, c := range map[string]struct {
		text  string
		valid bool
	}{
		"the least there is":         {head, true},
		"everything":                 {model("sha256: b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4, family: yolox, inputSize: 416, labels: [a, b], licence: MIT, source: us") + "  thresholds: {minScore: 0, iou: 1, maxDetections: 1}\n  runtime: {providers: [cuda, cpu], threads: 2, parallel: 2, batch: {max: 1}}\n  scaling: {minScale: 1, maxScale: 3, containerConcurrency: 2, metric: rps, target: 10.5, targetUtilization: 70, window: 6s, panicWindowPercentage: 10, panicThresholdPercentage: 200, scaleDownDelay: 1m, scaleToZeroPodRetention: 10s, startTimeout: 1m30s, timeout: 500ms}\n  resources: {cpu: 500m, memory: 1Gi}\n", true},
		"CPU as a number":            {head + "  resources: {cpu: 2, memory: 1000000}\n", true},
		"an input size of zero":      {model("inputSize: 0"), true},
		"an https address":           {strings.Replace(head, "m.onnx", "'https://h.example/m.onnx'", 1), true},
		"a file address":             {strings.Replace(head, "m.onnx", "'file:///m.onnx'", 1), true},
		"a path in a folder":         {strings.Replace(head, "m.onnx", "./a/m.onnx", 1), true},
		"no kind":                    {strings.Replace(head, "kind: Function\n", "", 1), false},
		"no name":                    {strings.Replace(head, "name: x", "", 1), false},
		"no model":                   {strings.Replace(head, "  model: {uri: m.onnx}\n", "  runtime: {threads: 1}\n", 1), false},
		"an unknown field":           {head + "  colour: red\n", false},
		"another API version":        {strings.Replace(head, "v1alpha1", "v1", 1), false},
		"a name in capitals":         {strings.Replace(head, "name: x", "name: X", 1), false},
		"a name too long":            {strings.Replace(head, "name: x", "name: "+strings.Repeat("x", 53), 1), false},
		"an unknown scheme":          {strings.Replace(head, "m.onnx", "'s3://b/m.onnx'", 1), false},
		"an absolute path":           {strings.Replace(head, "m.onnx", "/m.onnx", 1), false},
		"a sum that is none":         {model("sha256: abc"), false},
		"an unknown family":          {model("family: yolov4"), false},
		"an odd input size":          {model("inputSize: 20"), false},
		"an input size too large":    {model("inputSize: 8192"), false},
		"no labels":                  {model("labels: []"), false},
		"an empty label":             {model("labels: ['']"), false},
		"a label of a number":        {model("labels: [1]"), false},
		"a score above one":          {head + "  thresholds: {minScore: 1.4}\n", false},
		"a score below zero":         {head + "  thresholds: {minScore: -0.1}\n", false},
		"no detections":              {head + "  thresholds: {maxDetections: 0}\n", false},
		"half a thread":              {head + "  runtime: {threads: 0.5}\n", false},
		"an unknown provider":        {head + "  runtime: {providers: [rocm]}\n", false},
		"a provider that is twice":   {head + "  runtime: {providers: [cpu, cpu]}\n", false},
		"an unknown metric":          {head + "  scaling: {metric: memory}\n", false},
		"a target of zero":           {head + "  scaling: {target: 0}\n", false},
		"a utilization over 100":     {head + "  scaling: {targetUtilization: 101}\n", false},
		"a panic below 110":          {head + "  scaling: {panicThresholdPercentage: 100}\n", false},
		"a window without a unit":    {head + "  scaling: {window: 60}\n", false},
		"a window in words":          {head + "  scaling: {window: a minute}\n", false},
		"a negative timeout":         {head + "  scaling: {timeout: -1s}\n", false},
		"memory in words":            {head + "  resources: {memory: lots}\n", false},
		"CPU of nothing":             {head + "  resources: {cpu: 0}\n", false},
		"a group for a field":        {head + "  scaling: {window: {}}\n", false},
		"a number for a user's note": {strings.Replace(head, "name: x", "name: x, labels: {tier: 1}", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "function.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := catalog.ReadFile(file); (err == nil) != c.valid {
				t.Errorf("the catalog says %v", err)
			}
			if err := check(t, schema, c.text); (err == nil) != c.valid {
				t.Errorf("the schema says %v", err)
			}
		})
	}
}

func TestDefaultsAndDescriptionsAreInTheSchema(t *testing.T) {
	text, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Description string
		Default     any
		Properties  map[string]node
	}
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"spec.thresholds.minScore": 0.25, "spec.scaling.window": "60s", "spec.model.family": "auto",
		"spec.runtime.threads": 1.0, "spec.scaling.metric": "concurrency", "spec.runtime.parallel": nil,
	} {
		n := root
		for step := range strings.SplitSeq(path, ".") {
			n = n.Properties[step]
		}
		if n.Default != want || n.Description == "" {
			t.Errorf("%s has the default %v, want %v, and the description %q", path, n.Default, want, n.Description)
		}
	}
}
