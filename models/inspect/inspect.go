// Package inspect reads what an ONNX file says of itself, without ONNX Runtime
// and without its weights: a look at a model of any size costs a few pages of it.
//
// It receives a path and hands on a [Model], and from that and a function's
// declaration what is needed to serve it (see [Recognise]). It refuses what is no
// ONNX file, what keeps its weights in other files, and what it cannot tell how
// to feed or read. It trusts no length, count or nesting that the file announces.
package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Model is what an ONNX file says of itself.
type Model struct {
	// Producer is the exporting program and its version, for example pytorch 2.9.0.
	Producer string
	// Opset is the version of the default operator set.
	Opset int64
	// Inputs are those that must be fed: initializers that are listed as inputs,
	// as files older than IR version 4 do, are not among them.
	Inputs  []Tensor
	Outputs []Tensor
	// Metadata are the exporter's own properties. Ultralytics writes task, names,
	// imgsz, stride and more.
	Metadata map[string]string
	// Moduli are, by output of int64, the number whose remainder it is: of DETR's
	// labels the number of classes.
	Moduli map[string]int64
	// Parameters is the number of weights.
	Parameters int64
	// External says that weights lie in other files.
	External bool
	// Location is the first of those files, as the model names it.
	Location string

	graph *graph
}

// Tensor is an input or output of a graph.
type Tensor struct {
	Name string
	// Type is the element type, for example float32; empty where it is no tensor.
	Type string
	// Shape has one axis a dimension. It is nil where the rank is not declared.
	Shape []Axis
}

// Axis is one dimension: a fixed Size, or a free one, whose Size is -1 and whose
// Name may say which other axes have the same.
type Axis struct {
	Size int64
	Name string
}

// String is the tensor as messages show it: images float32 [batch 3 640 640].
func (t Tensor) String() string {
	parts := make([]string, len(t.Shape))
	for i, a := range t.Shape {
		switch {
		case a.Size >= 0:
			parts[i] = fmt.Sprint(a.Size)
		case a.Name != "":
			parts[i] = a.Name
		default:
			parts[i] = "?"
		}
	}
	return fmt.Sprintf("%s %s [%s]", t.Name, t.Type, strings.Join(parts, " "))
}

// maxBytes bounds a model file: a protobuf message cannot be longer.
const maxBytes = 2<<30 - 1

// Inspect reads the ONNX file at path. What is no ONNX file is a functions.Error
// of kind Unavailable that says so.
func Inspect(path string) (*Model, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, functions.Errorf(functions.Unavailable, "the model file is not there").Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("inspecting model: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("inspecting model: %w", err)
	case !info.Mode().IsRegular():
		return nil, notONNX("it is no regular file")
	case info.Size() == 0:
		return nil, notONNX("it is empty")
	case info.Size() > maxBytes:
		return nil, notONNX("it is larger than 2 GiB, which no ONNX file can be")
	}
	content, release, err := mapped(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("inspecting model: %w", err)
	}
	defer release()
	return steadily(func() (*Model, error) { return Parse(content) })
}

// Parse reads an ONNX file's content. The Model keeps nothing of it.
func Parse(content []byte) (*Model, error) {
	if what := guise(content); what != "" {
		return nil, notONNX(what)
	}
	p := &parser{model: &Model{Metadata: map[string]string{}, Moduli: map[string]int64{}, graph: newGraph()}, whole: newArithmetic()}
	if err := p.file(content); err != nil {
		return nil, notONNX("its content is damaged or of another kind").Because(err)
	}
	if !p.graph || len(p.model.Outputs) == 0 {
		return nil, notONNX("it holds no graph")
	}
	return p.model, nil
}

// steadily turns the fault of a mapped file that is cut short while it is read
// into an error.
func steadily(read func() (*Model, error)) (m *Model, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			if _, ok := fault.(interface{ Addr() uintptr }); !ok {
				panic(fault) // ours
			}
			m, err = nil, fmt.Errorf("inspecting model: the file changed while it was read: %v", fault)
		}
	}()
	return read()
}

func notONNX(why string) *functions.Error {
	return functions.Errorf(functions.Unavailable, "the model is not an ONNX file: %s", why)
}

// guise names the things that are most often found in an ONNX file's place.
func guise(content []byte) string {
	head := bytes.ToLower(bytes.TrimLeft(content[:min(len(content), 512)], " \t\r\n\ufeff"))
	for _, g := range []struct{ prefix, what string }{
		{"<!doctype html", "it is a web page"},
		{"<html", "it is a web page"},
		{"version https://git-lfs", "it is a Git LFS pointer; the file itself was not fetched"},
		{"pk\x03\x04", "it is a ZIP archive, as PyTorch's .pt files are; export it to ONNX"},
		{"\x89hdf", "it is an HDF5 file, as Keras writes; export it to ONNX"},
		{"{", "it is JSON"},
	} {
		if bytes.HasPrefix(head, []byte(g.prefix)) {
			return g.what
		}
	}
	return ""
}
