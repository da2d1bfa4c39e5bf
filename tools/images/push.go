package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push sends the index with all its images to a registry, and the referrers after it:
// what refers to an image comes when that is there. Who the user is, `docker login`
// and its like have written down.
func (s set) push(ctx context.Context, registry string, stdout io.Writer) error {
	repository := strings.TrimSuffix(registry, "/") + "/" + s.name
	tag, err := name.NewTag(repository + ":" + s.stamp.tag)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("saccade-images")}
	index := s.index()
	if err := remote.WriteIndex(tag, index, options...); err != nil {
		return err
	}
	for _, b := range s.images {
		digest, err := b.referrer.Digest()
		if err != nil {
			return err
		}
		if err := remote.Write(tag.Digest(digest.String()), b.referrer, options...); err != nil {
			return fmt.Errorf("list of contents for %s: %w", b.platform, err)
		}
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Pushed %s@%s\n", tag, digest)
	return nil
}
