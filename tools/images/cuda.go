package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// driver are beginnings of the names of libraries that come with NVIDIA's driver. The
// container toolkit puts those of the node into the container; an image must not
// bring its own.
var driver = []string{"libcuda.so", "libnvidia-"}

// enginesCUDA takes ONNX Runtime and its CUDA and TensorRT providers, and what they
// need of CUDA, out of the folders that the user named. All libraries there are taken,
// since cuDNN opens its own by itself. TensorRT's provider is left out where TensorRT
// is not there; what any other library needs and is not there is an error.
func (b builder) enginesCUDA(ctx context.Context, p platform, onnxruntime, turbojpeg engine) (engineFiles, error) {
	found := engineFiles{part: part{title: "ONNX Runtime for CUDA, libjpeg-turbo"}, allowed: driver, cuda: true}
	file, err := b.engine(ctx, p, turbojpeg)
	if err != nil {
		return found, err
	}
	found.add(turbojpeg, p, file)

	all, err := sharedLibraries(b.options.cuda)
	if err != nil {
		return found, err
	}
	var faults []error
	for _, want := range []string{onnxruntime.file, "libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"} {
		if all[want] == "" {
			faults = append(faults, fmt.Errorf("--cuda: there is no %s in %s", want, strings.Join(b.options.cuda, ", ")))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return found, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if beginsWith(name, driver) || strings.Contains(name, "pybind11") { // the latter is Python's
			continue
		}
		if name == tensorrt && !slices.ContainsFunc(slices.Collect(maps.Keys(all)), isTensorRT) {
			fmt.Fprintf(b.stdout, "There is no TensorRT in %s: its provider is left out.\n", strings.Join(b.options.cuda, ", "))
			continue
		}
		from := all[name]
		if _, _, err := read(p.machine, from); err != nil {
			return found, fmt.Errorf("--cuda: %w", err)
		}
		digest, err := sum(from)
		if err != nil {
			return found, err
		}
		c := component{name: name, sha256: digest, comment: "A file that the builder brought."}
		if name == onnxruntime.file {
			c = component{name: onnxruntime.name, licence: onnxruntime.licence, sha256: digest, comment: "Built for CUDA; a file that the builder brought."}
		}
		found.files = append(found.files, from)
		found.components = append(found.components, c)
		found.part.items = append(found.part.items, copied(path.Join(enginesFolder, name), from))
	}
	return found, nil
}

const tensorrt = "libonnxruntime_providers_tensorrt.so"

func isTensorRT(name string) bool { return strings.HasPrefix(name, "libnvinfer.so") }

// sharedLibraries are the files below the folders, by the name that programs ask for
// them by: libonnxruntime.so.1 for libonnxruntime.so.1.30.0. The first folder wins.
func sharedLibraries(folders []string) (map[string]string, error) {
	all := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.Contains(entry.Name(), ".so") {
				return err
			}
			name, err := soname(path)
			if err == nil && all[name] == "" {
				all[name] = path
			}
			return nil // a file called so that is no library is none of ours
		})
		if err != nil {
			return nil, fmt.Errorf("--cuda: %w", err)
		}
	}
	return all, nil
}

// withCUDA adds what the container toolkit reads, and where CUDA's libraries find each
// other.
func withCUDA(c config) config {
	c.env["LD_LIBRARY_PATH"] = "/" + enginesFolder
	c.env["NVIDIA_VISIBLE_DEVICES"] = "all"
	c.env["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
	return c
}
