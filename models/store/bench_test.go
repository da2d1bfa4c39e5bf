package store_test

import (
	"testing"

	"github.com/seed45885407/saccade/models/store"
)

// What a start pays for a model that is in the store: it must not be felt.
func BenchmarkPullOfAKeptModel(b *testing.B) {
	for name, size := range map[string]int{"1MB": 1 << 20, "32MB": 32 << 20} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			body := bytesOf(1, size)
			write(b, dir+"/m.onnx", body)
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			req := store.Request{URI: "file://" + dir + "/m.onnx", SHA256: sumOf(body)}
			for b.Loop() {
				if _, err := s.Pull(b.Context(), req, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
