package main

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// The keys of what an image of a model says beside the OCI image specification's own.
const (
	markSum    = "dev.saccade.model.sha256"
	markSource = "dev.saccade.model.source"
)

// model packs a model into an image of its own, which a pod mounts as a volume: one
// layer with one file in the folder models, where the runtime's image would have it
// (and KServe's modelcars), and no program. The image is a function of that file and of
// what its declaration says of it: another version of Saccade packs the same.
//
// It is an index that names the same layer for each platform. One manifest alone would
// have to be for one platform, or for none, and containerd unpacks only what is for its
// own.
func (b builder) model() (set, error) {
	m, err := modelOf(b.options)
	if err != nil {
		return set{}, err
	}
	called := cmp.Or(b.options.modelName, "saccade-model-"+m.name)
	s := set{name: called, reference: b.options.prefix + called, marks: m.marks()}
	if s.stamp, err = m.stamp(b.options); err != nil {
		return s, err
	}
	if _, err := name.NewRepository(s.reference); err != nil {
		return s, err
	}
	only := part{title: "model " + m.name, items: []item{m.onnx()}}
	if only.packed, err = only.layer(s.stamp.when); err != nil {
		return s, err
	}
	for _, p := range b.options.platforms {
		err := s.add(blueprint{
			platform: p, title: called, description: "The model of function " + m.name,
			parts: []part{only}, components: []component{m.component}, marks: s.marks,
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// onnx is the file itself.
func (m model) onnx() item {
	return m.part.items[slices.IndexFunc(m.part.items, func(i item) bool { return strings.HasSuffix(i.path, ".onnx") })]
}

// marks are the image's labels and annotations.
func (m model) marks() map[string]string {
	const key = "org.opencontainers.image."
	all := map[string]string{
		key + "title":       path.Base(m.onnx().path),
		key + "description": "The model of function " + m.name + ", to be mounted as a volume",
		markSum:             m.component.sha256,
	}
	if m.component.licence != "" {
		all[key+"licenses"] = m.component.licence
	}
	if m.source != "" {
		all[markSource] = m.source
	}
	return all
}

// stamp is of the model and not of the commit: the time is SOURCE_DATE_EPOCH, else 1970.
func (m model) stamp(o options) (stamp, error) {
	short := m.component.sha256[:12]
	s := stamp{version: short, tag: cmp.Or(o.tag, short), when: time.Unix(0, 0).UTC()}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 {
			return s, fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds since 1970", epoch)
		}
		s.when = time.Unix(seconds, 0).UTC()
	}
	return s, nil
}
