package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// emptyType is the media type of the config that an artifact has in place of an
// image's: {} (OCI image specification, "Guidelines for Artifact Usage").
const emptyType types.MediaType = "application/vnd.oci.empty.v1+json"

// referrer is a manifest of an artifact: an image whose config is empty.
type referrer struct {
	v1.Image
	manifest v1.Manifest
}

// refer makes a manifest with document as its one layer and subject as what it is of.
// A registry tells it to those who ask what refers to the subject.
func refer(subject v1.Descriptor, document []byte, when time.Time) (v1.Image, error) {
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(document, sbomType))
	if err != nil {
		return nil, err
	}
	made, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	r := &referrer{Image: image, manifest: *made.DeepCopy()}
	config, err := r.RawConfigFile()
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	r.manifest.ArtifactType = sbomType
	r.manifest.Config = v1.Descriptor{MediaType: emptyType, Digest: digest, Size: size, Data: config}
	r.manifest.Subject = &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	r.manifest.Annotations = map[string]string{"org.opencontainers.image.created": when.Format(time.RFC3339)}
	return r, nil
}

func (r *referrer) RawConfigFile() ([]byte, error)      { return []byte("{}"), nil }
func (r *referrer) ConfigName() (v1.Hash, error)        { return r.manifest.Config.Digest, nil }
func (r *referrer) Manifest() (*v1.Manifest, error)     { return &r.manifest, nil }
func (r *referrer) RawManifest() ([]byte, error)        { return json.Marshal(r.manifest) }
func (r *referrer) Digest() (v1.Hash, error)            { return partial.Digest(r) }
func (r *referrer) Size() (int64, error)                { return partial.Size(r) }
func (r *referrer) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// ArtifactType is told in the descriptor too.
func (r *referrer) ArtifactType() (string, error) { return sbomType, nil }

func (r *referrer) ConfigFile() (*v1.ConfigFile, error) {
	return nil, errors.New("an artifact has no configuration of a container")
}
