package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// write leaves the layout, the lists of contents and the archives in dir, and says
// what they are and how large.
func (s set) write(dir string, archive bool, stdout io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, s.name), s.layout); err != nil {
		return fmt.Errorf("layout: %w", err)
	}
	digest, err := s.index().Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s:%s\n  %s\n", s.reference, s.stamp.tag, digest)
	for _, b := range s.images {
		err := replace(filepath.Join(dir, s.name+"_"+b.platform.file()+".spdx.json"), func(path string) error {
			return os.WriteFile(path, b.sbom, 0o644)
		})
		if err != nil {
			return fmt.Errorf("list of contents: %w", err)
		}
		if archive {
			err := replace(filepath.Join(dir, s.file(b, ".tar")), func(path string) error { return s.archive(b, path) })
			if err != nil {
				return fmt.Errorf("archive: %w", err)
			}
		}
		if err := b.sizes(stdout); err != nil {
			return err
		}
	}
	return nil
}

// sizes prints what a node downloads, and what it then keeps unpacked.
func (b built) sizes(stdout io.Writer) error {
	digest, err := b.image.Digest()
	if err != nil {
		return err
	}
	config, err := b.image.ConfigFile()
	if err != nil {
		return err
	}
	layers, err := b.image.Layers()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "  %s %s\n", b.platform, digest)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	var packed, unpacked int64
	for n, layer := range layers {
		small, large, err := sizesOf(layer)
		if err != nil {
			return err
		}
		packed, unpacked = packed+small, unpacked+large
		fmt.Fprintf(table, "    %s\t%.2f MB\t%.2f MB unpacked\n", config.History[n].Comment, mega(small), mega(large))
	}
	fmt.Fprintf(table, "    together\t%.2f MB\t%.2f MB unpacked\n", mega(packed), mega(unpacked))
	return table.Flush()
}

func sizesOf(layer v1.Layer) (packed, unpacked int64, err error) {
	if packed, err = layer.Size(); err != nil {
		return 0, 0, err
	}
	reader, err := layer.Uncompressed()
	if err != nil {
		return 0, 0, err
	}
	defer reader.Close()
	unpacked, err = io.Copy(io.Discard, reader)
	return packed, unpacked, err
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
