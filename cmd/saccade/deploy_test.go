package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
)

func TestAChangedFolderIsANewRevisionAndABadOneLeavesTheOldServing(t *testing.T) {
	dir := t.TempDir()
	eye := filepath.Join(dir, "eye")
	model, err := functions.Shipped.ReadFile("centernet/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(eye, 0o755); err != nil {
			t.Fatal(err)
		}
		// As editors do: a whole new file in the old one's place.
		draft := filepath.Join(dir, ".draft")
		if err := os.WriteFile(draft, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(draft, filepath.Join(eye, name)); err != nil {
			t.Fatal(err)
		}
	}
	declare := func(more string) {
		write("function.yaml", "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: eye}\nspec:\n"+more)
	}
	write("eye.onnx", string(model))
	declare("  model: {uri: eye.onnx}\n")

	withStack(t, func(cfg *config.Saccade) { cfg.Functions = []string{dir} }, true, func(_ string, c *client.Client, s *stack) {
		picture := samplePictures(t)[0]
		ask := func() functions.Reply {
			t.Helper()
			reply, err := c.Detect(t.Context(), "eye", client.Source{Data: picture}, functions.Parameters{})
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		until := func(what string, ok func(functions.FunctionStatus) bool) {
			t.Helper()
			for deadline := time.Now().Add(time.Minute); ; {
				f, err := c.Function(t.Context(), "eye")
				if err != nil {
					t.Fatal(err)
				}
				if ok(f) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s never came: %+v", what, f)
				}
				ask() // it serves all the while
				time.Sleep(50 * time.Millisecond)
			}
		}
		if r := ask(); r.Revision != "eye-00001" {
			t.Fatalf("revision %s", r.Revision)
		}

		t.Log("a model that is none")
		write("bad.onnx", "not a model")
		declare("  model: {uri: bad.onnx}\n")
		until("the failure is told", func(f functions.FunctionStatus) bool { return strings.Contains(f.Error, "ONNX") })
		if r := ask(); r.Revision != "eye-00001" {
			t.Errorf("revision %s answers after a bad deployment", r.Revision)
		}

		t.Log("a family that does not fit the model")
		declare("  model: {uri: eye.onnx, family: yolox}\n")
		until("the failure is told", func(f functions.FunctionStatus) bool {
			return strings.Contains(f.Error, "family") || strings.Contains(f.Error, "shape")
		})

		t.Log("a declaration that cannot be read")
		declare("  model: {uri: eye.onnx\n")
		time.Sleep(2 * watchEvery) // nothing is to happen
		if r := ask(); r.Revision != "eye-00001" {
			t.Errorf("revision %s answers while the folder is broken", r.Revision)
		}

		t.Log("a good one")
		declare("  model: {uri: eye.onnx}\n  thresholds: {minScore: 0.99}\n")
		until("the new revision answers", func(f functions.FunctionStatus) bool { return f.Revision > "eye-00001" && f.Error == "" })
		if r := ask(); len(r.Detections) != 0 {
			t.Errorf("the new threshold is not in force: %+v", r.Detections)
		}

		t.Log("the folder is gone")
		if err := os.RemoveAll(eye); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := c.Function(t.Context(), "eye"); functions.KindOf(err) == functions.NotFound {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}
