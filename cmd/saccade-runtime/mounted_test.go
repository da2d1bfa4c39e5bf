package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An image with a model is mounted whole, read-only, where the runtime looks for one.
func TestAModelIsServedFromAMountedImage(t *testing.T) {
	content, err := os.ReadFile(centernet + "/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(content)
	sum, mounted := hex.EncodeToString(digest[:]), t.TempDir()
	if err := os.Mkdir(filepath.Join(mounted, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"eye.onnx": content, "function.yaml": []byte("not the one that counts")} {
		if err := os.WriteFile(filepath.Join(mounted, "models", name), text, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	file := declare(t, "https://models.example/eye.onnx", sum)
	p := launch(t, "--function", file, "--model", mounted, "--model-sum", sum)
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	if got := p.detect(t, sample(t)); len(got.Detections) == 0 {
		t.Error("it sees nothing")
	}
	other := launch(t, "--function", file, "--model", mounted, "--model-sum", strings.Repeat("ab", 32))
	if _, status := other.get(t, "/v1/start", nil); status != http.StatusServiceUnavailable {
		t.Errorf("another model than the one meant: %d", status)
	}
	if status := other.ended(t); status != statusPermanent {
		t.Errorf("it ended with %d", status)
	}
}
