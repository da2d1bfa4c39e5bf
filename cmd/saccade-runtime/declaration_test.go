package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestAModelAloneIsEnough(t *testing.T) {
	copied := func(folder, from, to string) {
		from, changed := strings.CutSuffix(from, " changed")
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if changed {
			content = append(content, 0xa2, 0x06, 0x00) // an empty field that no reader knows
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, to)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, to), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const model, yaml = centernet + "/centernet-mbv3.onnx", centernet + "/function.yaml"
	for _, test := range []struct {
		name   string
		files  map[string]string // by where they go
		called string
		says   string // where it does not start
	}{
		{"a folder with a model", map[string]string{"CenterNet v2.onnx": model}, "centernet-v2", ""},
		{"a model as object stores are laid out", map[string]string{"1/m.onnx": model}, "m", ""},
		{"a model with a declaration beside it", map[string]string{"m.onnx": model, "function.yaml": yaml}, "centernet", ""},
		{"a declaration at the top", map[string]string{"1/m.onnx": model, "function.yaml": yaml}, "centernet", ""},
		{"two models", map[string]string{"a.onnx": model, "b.onnx": model}, "", "holds 2 ONNX files"},
		{"no model", map[string]string{"a.txt": yaml}, "", "holds no ONNX file"},
		{"a declaration of another model", map[string]string{"m.onnx": model + " changed", "function.yaml": yaml}, "", "not the one it should be"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			for to, from := range test.files {
				copied(folder, from, to)
			}
			p := launch(t, "--function", "", "--model", folder, "--oip-http", "listen")
			if err, _ := p.get(t, "/v1/start", nil); err != nil {
				if test.says == "" || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%v; want %q", err, test.says)
				}
				return
			}
			resp, err := p.client.Get("http://instance/v2/models/" + test.called + "/ready")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || test.says != "" {
				t.Errorf("%s is %s", test.called, resp.Status)
			}
		})
	}
}

// What is shipped for KServe starts this program.
func TestKServesArgumentsAreUnderstood(t *testing.T) {
	text, err := os.ReadFile(repository + "/config/kserve/clusterservingruntime.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var shipped struct {
		Spec struct{ Containers []struct{ Args []string } }
	}
	if err := yaml.Unmarshal(text, &shipped); err != nil || len(shipped.Spec.Containers) != 1 {
		t.Fatalf("%+v, %v", shipped, err)
	}
	args := shipped.Spec.Containers[0].Args
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{{.Name}}", "yolo11n")
	}
	c, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c.model != "/mnt/models" || c.name != "yolo11n" || c.listen != "0.0.0.0:8080" || c.oipHTTP != "listen" || c.oipGRPC != "0.0.0.0:9000" || c.cache != "" {
		t.Errorf("%+v", c)
	}
}
