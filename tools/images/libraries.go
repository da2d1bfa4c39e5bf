package main

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// libraries is the part with the loader, the C library and libstdc++, each with the
// copyright file of its package.
func libraries(ctx context.Context, p platform, n native) (part, []component, error) {
	folder, err := libraryFolder(p, n.loaderFile)
	if err != nil {
		return part{}, nil, err
	}
	made := part{title: "C library, libstdc++", items: []item{program(strings.TrimPrefix(n.loader, "/"), n.loaderFile)}}
	packages := map[string]component{}
	for _, from := range append([]string{n.loaderFile}, n.libraries...) {
		o, err := owner(ctx, p, from)
		if err != nil {
			return part{}, nil, fmt.Errorf("asking whose %s is: %w", from, err)
		}
		if had, again := packages[o.name]; again { // one entry for a package, of several files
			o.component, o.sha256 = had, ""
			o.comment = strings.TrimSuffix(had.comment, ".") + ", " + filepath.Base(from) + "."
		}
		packages[o.name] = o.component
		if from != n.loaderFile {
			made.items = append(made.items, copied(path.Join(folder, filepath.Base(from)), from))
		}
		to := path.Join("usr/share/doc", o.name, "copyright")
		if o.copyright != "" && !slices.ContainsFunc(made.items, func(i item) bool { return i.path == to }) {
			made.items = append(made.items, copied(to, o.copyright))
		}
	}
	return made, slices.Collect(maps.Values(packages)), nil
}

// engineFiles are the libraries that the runtime opens by itself.
type engineFiles struct {
	part       part
	components []component
	// files are where they lie on this machine: their needs are the image's too.
	files []string
	// allowed are beginnings of names that may be missing, since a driver brings them.
	allowed []string
	cuda    bool
}

func (b builder) engines(ctx context.Context, p platform) (engineFiles, error) {
	onnxruntime, turbojpeg := engines()
	if len(b.options.cuda) > 0 {
		return b.enginesCUDA(ctx, p, onnxruntime, turbojpeg)
	}
	found := engineFiles{part: part{title: "ONNX Runtime, libjpeg-turbo"}}
	for _, e := range []engine{onnxruntime, turbojpeg} {
		file, err := b.engine(ctx, p, e)
		if err != nil {
			return found, err
		}
		found.add(e, p, file)
	}
	return found, nil
}

// add takes in a library and its licence.
func (f *engineFiles) add(e engine, p platform, from string) {
	f.files = append(f.files, from)
	f.components = append(f.components, e.component(p))
	f.part.items = append(f.part.items, copied(path.Join(enginesFolder, e.file), from), file("usr/share/doc/"+e.name+"/copyright", e.text))
}
