package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	for _, test := range []struct{ args, fault string }{
		{"--platforms windows/amd64", "linux/amd64 and linux/arm64"},
		{"--only gateway", "the images are"},
		{"--only ,", "names no image"},
		{"--model x.onnx", "wants --function"},
		{"--only saccade --function functions/centernet", "leaves out"},
		{"--only model", "wants --function"},
		{"--model-name eyes", "--only does not name"},
		{"--only model --function f --model-name UPPER", "repository"},
		{"--cuda a --platforms linux/amd64,linux/arm64", "one platform"},
		{"--root /tmp", "no checkout"},
		{"--name-prefix UPPER/", "repository"},
		{"extra", "unexpected argument"},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := append([]string{"--root", "../.."}, strings.Fields(test.args)...)
			if _, err := parse(args, io.Discard); err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("parse = %v; want an error that says %q", err, test.fault)
			}
		})
	}
	if _, err := parse([]string{"--root", "../.."}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestAVersionBecomesATag(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3": "1.2.3", "v0.1.0-3-gabc-dirty": "0.1.0-3-gabc-dirty", "1.0.0+meta": "1.0.0-meta", "1ecb5bc": "1ecb5bc", "vague": "vague",
	} {
		if got := tagOf(version); got != want {
			t.Errorf("the tag of %s is %s; want %s", version, got, want)
		}
	}
}

func TestTheTimeIsNeverTheClocks(t *testing.T) {
	o := options{root: t.TempDir(), version: "v1", revision: "abc"}
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(o.root))
	got, err := stampOf(t.Context(), o)
	if err != nil || got.when.Unix() != 86400 || got.tag != "1" {
		t.Errorf("stamp = %+v, %v", got, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if got, err = stampOf(t.Context(), o); err != nil || got.when.Unix() != 0 {
		t.Errorf("without history the stamp is %+v, %v", got, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err = stampOf(t.Context(), o); err == nil {
		t.Error("yesterday is taken for a number")
	}
}

func TestAModelIsTheOneItsDeclarationMeans(t *testing.T) {
	const sumOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	yaml := func(sum, more string) string {
		return "metadata: {name: f}\nspec: {model: {uri: https://models.example/a/m.onnx, sha256: " + sum + ", licence: MIT" + more + "}}\n"
	}
	for _, test := range []struct {
		name, yaml, model string
		paths             []string
		fault             string
	}{
		{name: "the file beside it", yaml: yaml(sumOfAbc, ""), paths: []string{"models/function.yaml", "models/m.onnx"}},
		{name: "a file that is named, whatever it is called", yaml: yaml(sumOfAbc, ""), model: "blob", paths: []string{"models/function.yaml", "models/blob.onnx"}},
		{name: "with its labels", yaml: yaml(sumOfAbc, ", labelsFile: l.txt"), paths: []string{"models/function.yaml", "models/m.onnx", "models/l.txt"}},
		{name: "another file", yaml: yaml(strings.Repeat("0", 64), ""), fault: "wants 0000"},
		{name: "no file", yaml: strings.Replace(yaml(sumOfAbc, ""), "m.onnx", "n.onnx", 1), fault: "--model names its file"},
		{name: "labels elsewhere", yaml: yaml(sumOfAbc, ", labelsFile: ../l.txt"), fault: "does not lie beside it"},
		{name: "no YAML", yaml: "{", fault: "reading"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options{function: t.TempDir()}
			for name, text := range map[string]string{"function.yaml": test.yaml, "m.onnx": "abc", "blob": "abc", "l.txt": "cat\n"} {
				if err := os.WriteFile(filepath.Join(o.function, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.model != "" {
				o.model = filepath.Join(o.function, test.model)
			}
			got, err := modelOf(o)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("modelOf = %v; want an error that says %q", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, i := range got.part.items {
				paths = append(paths, i.path)
			}
			if diff := cmp.Diff(test.paths, paths); diff != "" {
				t.Error(diff)
			}
			if got.component.licence != "MIT" || got.component.sha256 != sumOfAbc {
				t.Errorf("the component is %+v", got.component)
			}
		})
	}
}
