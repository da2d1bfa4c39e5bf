package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// set is one image for all its platforms.
type set struct {
	// name is the image's, and of its files; reference is what registries know it by,
	// without the tag.
	name, reference string
	stamp           stamp
	images          []built
	// marks are the annotations of what is not Saccade's; nil where it is.
	marks map[string]string
}

// built is the image for one platform.
type built struct {
	platform platform
	image    v1.Image
	// sbom is the SPDX document, and referrer the manifest that ties it to the image.
	sbom     []byte
	referrer v1.Image
}

// add builds one platform's image and the list of what is in it.
func (s *set) add(plan blueprint) error {
	image, err := plan.image(s.stamp)
	if err != nil {
		return fmt.Errorf("for %s: %w", plan.platform, err)
	}
	subject, err := partial.Descriptor(image)
	if err != nil {
		return err
	}
	document, err := plan.sbom(s.stamp, s.reference, subject.Digest)
	if err != nil {
		return err
	}
	referrer, err := refer(*subject, document, s.stamp.when)
	if err != nil {
		return fmt.Errorf("tying the list of contents to the image: %w", err)
	}
	s.images = append(s.images, built{platform: plan.platform, image: image, sbom: document, referrer: referrer})
	return nil
}

// index is what the tag names: the image for each platform.
func (s set) index() v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range s.images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: b.image, Descriptor: v1.Descriptor{Platform: new(b.platform.oci())}})
	}
	if s.marks != nil {
		return mutate.Annotations(index, s.marks).(v1.ImageIndex)
	}
	return mutate.Annotations(index, map[string]string{
		"org.opencontainers.image.source":   source,
		"org.opencontainers.image.revision": s.stamp.revision,
		"org.opencontainers.image.version":  s.stamp.version,
		"org.opencontainers.image.created":  s.stamp.when.Format(time.RFC3339),
	}).(v1.ImageIndex)
}

// layout is the index with all its blobs in a folder (OCI image layout), and the
// referrers beside it, where tools look for them.
func (s set) layout(dir string) error {
	out, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	names := map[string]string{
		"org.opencontainers.image.ref.name": s.stamp.tag,
		"io.containerd.image.name":          s.reference + ":" + s.stamp.tag,
	}
	if err := out.AppendIndex(s.index(), layout.WithAnnotations(names)); err != nil {
		return err
	}
	for _, b := range s.images {
		if err := out.WriteImage(b.referrer); err != nil {
			return err
		}
		descriptor, err := partial.Descriptor(b.referrer)
		if err != nil {
			return err
		}
		if err := out.AppendDescriptor(*descriptor); err != nil {
			return err
		}
	}
	return nil
}

// archive is the image for one platform as `docker save` writes it.
func (s set) archive(b built, path string) error {
	tag, err := name.NewTag(s.reference + ":" + s.stamp.tag)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, b.image)
}

// file is the name of one platform's file, which needs no platform where it is the
// only one.
func (s set) file(b built, ending string) string {
	if len(s.images) == 1 {
		return s.name + ending
	}
	return s.name + "_" + b.platform.file() + ending
}

// replace writes to a name beside path and then takes path's place, so that whoever
// reads path finds all of the last one or all of this one.
func replace(path string, write func(temporary string) error) error {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	defer os.RemoveAll(temporary) // not there any more where all went well
	if err := write(temporary); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
