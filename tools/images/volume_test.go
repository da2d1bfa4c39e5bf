package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const centernet = "../../functions/centernet"

// sumOfCenternet is the SHA-256 that its function.yaml gives.
const sumOfCenternet = "b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4"

// packs runs the command for the model in folder, and gives the index that it writes.
func packs(t *testing.T, folder string, more ...string) v1.ImageIndex {
	t.Helper()
	out := t.TempDir()
	args := append([]string{"--root", "../..", "--only", "model", "--function", folder, "--out", out}, more...)
	if err := run(t.Context(), args, io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	all, err := layout.ImageIndexFromPath(filepath.Join(out, "saccade-model-centernet"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index, err := all.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestAModelIsPackedAlone(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	index := packs(t, centernet)
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	whole, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := whole.Annotations; got[markSum] != sumOfCenternet || got["org.opencontainers.image.licenses"] != "MIT" ||
		!strings.Contains(got[markSource], "mobilenetv3_centernet") || got["org.opencontainers.image.revision"] != "" {
		t.Errorf("its annotations are %v", got)
	}
	var layers []v1.Hash
	for n, p := range []platform{amd64, arm64} {
		if got := whole.Manifests[n].Platform; got == nil || !got.Equals(p.oci()) {
			t.Errorf("image %d is for %v", n, got)
		}
		image, err := index.Image(whole.Manifests[n].Digest)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(manifest.Layers) != 1 || manifest.Annotations[markSum] != sumOfCenternet {
			t.Fatalf("the manifest is %+v", manifest)
		}
		layers = append(layers, manifest.Layers[0].Digest)
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v1.Config{Labels: whole.Annotations}, config.Config); diff != "" {
			t.Error(diff)
		}

		// Mounted, it has one model where the runtime looks, to the byte, for all to read.
		root := unpack(t, image)
		found, err := filepath.Glob(filepath.Join(root, "*", "*.onnx"))
		if err != nil || len(found) != 1 || found[0] != filepath.Join(root, "models", "centernet-mbv3.onnx") {
			t.Fatalf("there are %v, %v", found, err)
		}
		if got, err := sum(found[0]); err != nil || got != sumOfCenternet {
			t.Errorf("its sum is %s, %v", got, err)
		}
		if info, err := os.Stat(found[0]); err != nil || info.Mode() != 0o644 {
			t.Errorf("its mode is %v, %v", info.Mode(), err)
		}
		entries, err := os.ReadDir(filepath.Dir(found[0]))
		if err != nil || len(entries) != 1 {
			t.Errorf("beside it are %v, %v", entries, err)
		}
	}
	if layers[0] != layers[1] {
		t.Error("the platforms have layers of their own")
	}
}

// The digest says which model it is: another folder, version or threshold makes none
// that is new.
func TestTheSameModelIsTheSameImage(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	folder := t.TempDir()
	copyTree(t, centernet, folder)
	declaration := filepath.Join(folder, "function.yaml")
	text := bytes.Replace(readAll(t, declaration), []byte("minScore: 0.3"), []byte("minScore: 0.4"), 1)
	if bytes.Equal(text, readAll(t, declaration)) {
		t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(declaration, text, 0o600); err != nil {
		t.Fatal(err)
	}
	one, err := packs(t, centernet).Digest()
	if err != nil {
		t.Fatal(err)
	}
	two, err := packs(t, folder, "--version", "v9", "--revision", "other").Digest()
	if err != nil || one != two {
		t.Errorf("it is %s, and %s (%v)", one, two, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	if three, err := packs(t, centernet).Digest(); err != nil || one == three {
		t.Errorf("with another time it is %s, %v", three, err)
	}
}

// What is said of a push is what saccade deploy --model-image takes.
func TestAPushedModelIsNamedByItsDigest(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	var said strings.Builder
	host := strings.TrimPrefix(server.URL, "http://")
	args := []string{"--root", "../..", "--only", "model", "--function", centernet, "--model-name", "eyes", "--out", t.TempDir(), "--push", host + "/team"}
	if err := run(t.Context(), args, &said, t.Output()); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Pushed (\S+@sha256:[0-9a-f]{64})\n`).FindStringSubmatch(said.String())
	if found == nil {
		t.Fatal(said.String())
	}
	reference, err := name.ParseReference(found[1])
	if err != nil || !strings.HasPrefix(found[1], host+"/team/eyes:"+sumOfCenternet[:12]+"@") {
		t.Fatalf("%s: %v", found[1], err)
	}
	index, err := remote.Index(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func TestAnotherModelIsNotPacked(t *testing.T) {
	other := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(other, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"--root", "../..", "--only", "model", "--function", centernet, "--model", other, "--out", t.TempDir()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "wants "+sumOfCenternet) {
		t.Errorf("got %v", err)
	}
}
