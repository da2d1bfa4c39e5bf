package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blueprint is an image to be, for one platform.
type blueprint struct {
	platform platform
	// config is what the container is started with.
	config config
	// title and description are for labels.
	title, description string
	parts              []part
	components         []component
	// marks are the labels of what is not Saccade's; nil where it is.
	marks map[string]string
}

// config is what a Dockerfile would say in ENTRYPOINT, CMD, ENV, EXPOSE and USER.
type config struct {
	entrypoint, command []string
	env                 map[string]string
	port                string
	user                string
}

// gatewayConfig has no command: the subcommand is the user's to choose.
func gatewayConfig() config {
	return config{
		entrypoint: []string{"/" + gatewayName}, port: "8080/tcp", user: user,
		env: map[string]string{"XDG_CACHE_HOME": cacheHome},
	}
}

// enginesFolder is where the runtime's image has the libraries that it opens itself.
const enginesFolder = "usr/lib/saccade"

func runtimeConfig() config {
	onnxruntime, turbojpeg := engines()
	return config{
		entrypoint: []string{"/" + runtimeName}, port: "8080/tcp", user: user,
		env: map[string]string{
			"XDG_CACHE_HOME":      cacheHome,
			"SACCADE_ONNXRUNTIME": "/" + enginesFolder + "/" + onnxruntime.file,
			"SACCADE_TURBOJPEG":   "/" + enginesFolder + "/" + turbojpeg.file,
		},
	}
}

// oci is the config as images have it.
func (c config) oci(labels map[string]string) v1.Config {
	if len(c.entrypoint) == 0 {
		return v1.Config{Labels: labels} // nothing is started
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		env = append(env, name+"="+c.env[name])
	}
	return v1.Config{
		Entrypoint: c.entrypoint, Cmd: c.command, Env: env, User: c.user, WorkingDir: "/",
		ExposedPorts: map[string]struct{}{c.port: {}}, Labels: labels, StopSignal: "SIGTERM",
	}
}

// labels are those of the OCI image specification's "Pre-Defined Annotation Keys".
func (b blueprint) labels(s stamp) map[string]string {
	if b.marks != nil {
		return b.marks
	}
	const key = "org.opencontainers.image."
	return map[string]string{
		key + "title":       b.title,
		key + "description": b.description,
		key + "source":      source,
		key + "revision":    s.revision,
		key + "version":     s.version,
		key + "licenses":    b.licences(),
		key + "created":     s.when.Format(time.RFC3339),
	}
}

// licences are those of all that is in the image, as the label wants them.
func (b blueprint) licences() string {
	all := map[string]bool{}
	if b.marks == nil {
		all["Apache-2.0"] = true
	}
	for _, c := range b.components {
		for id := range strings.SplitSeq(c.licence, " AND ") {
			if id != "" {
				all[id] = true
			}
		}
	}
	if len(all) == 0 {
		return unknown
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " AND ")
}

// image puts the layers together. There is nothing below the first.
func (b blueprint) image(s stamp) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	var layers []mutate.Addendum
	for _, p := range b.parts {
		layer, err := p.layer(s.when)
		if err != nil {
			return nil, err
		}
		layers = append(layers, mutate.Addendum{Layer: layer, History: v1.History{
			Created: v1.Time{Time: s.when}, CreatedBy: "saccade images", Comment: p.title,
		}})
	}
	image, err := mutate.Append(image, layers...)
	if err != nil {
		return nil, fmt.Errorf("putting layers together: %w", err)
	}
	had, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	has := had.DeepCopy()
	has.OS, has.Architecture, has.Created = b.platform.os, b.platform.arch, v1.Time{Time: s.when}
	has.Config = b.config.oci(b.labels(s))
	if image, err = mutate.ConfigFile(image, has); err != nil || b.marks == nil {
		return image, err
	}
	return mutate.Annotations(image, b.marks).(v1.Image), nil
}

// sortComponents puts them in an order that no map or machine decides, and leaves out
// doubles.
func sortComponents(list []component) []component {
	slices.SortFunc(list, func(a, b component) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version), cmp.Compare(a.sha256, b.sha256))
	})
	return slices.Compact(list)
}
