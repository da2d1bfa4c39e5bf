package oip

import (
	"regexp"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/serve"
)

// Model is a detector that is called by a name.
type Model struct {
	// Name is what callers say. See [ValidName].
	Name string
	// Server has the places and the runs.
	Server *serve.Server
	// Graph is the network itself. It is asked for once Server has loaded it.
	Graph func() Graph
}

// Graph is a network for those who bring their own tensors.
type Graph struct {
	// Session takes the inputs, and gives the outputs, in the order of the ports.
	Session detector.Session
	Inputs  []Port
	Outputs []Port
}

// Port is an input that is fed or an output that is read.
type Port struct {
	Name string
	// Type is the element's, as NumPy names it: float32, int64, float16, uint8.
	Type string
	// Shape is that of every run, -1 or nil where only a run can tell.
	Shape []int64
}

// rawSuffix is what the name of a model's network ends with.
const rawSuffix = ".raw"

var validName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$`)

// ValidName says whether a model may be called that: letters, digits, dots, dashes
// and underscores, 128 at most, the first and last a letter or digit, and not one
// that ends with .raw, which names the network of another.
func ValidName(name string) bool {
	return validName.MatchString(name) && !strings.HasSuffix(name, rawSuffix)
}

// called is a model, or its network, as one request names it.
type called struct {
	Model
	raw bool
}

// name is what the caller said.
func (c called) name() string {
	if c.raw {
		return c.Name + rawSuffix
	}
	return c.Name
}

// version is the only one that a model has.
const version = "1"

// checkVersion refuses versions that are not there.
func checkVersion(name, wanted string) error {
	if wanted != "" && wanted != version {
		return functions.Errorf(functions.NotFound, "model %q has no version %.64q; there is %s alone", name, wanted, version)
	}
	return nil
}

// description is what a model takes and gives.
type description struct {
	Name     string       `json:"name"`
	Versions []string     `json:"versions"`
	Platform string       `json:"platform"`
	Inputs   []tensorHead `json:"inputs"`
	Outputs  []tensorHead `json:"outputs"`
}

// tensorHead is a tensor without its values.
type tensorHead struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// describe says what the model takes and gives; of a network, once it is loaded.
func (c called) describe() (description, error) {
	m := description{Name: c.name(), Versions: []string{version}}
	if !c.raw {
		m.Platform = "saccade_detector"
		m.Inputs, m.Outputs = []tensorHead{pictureInput}, pictureOutputs()
		return m, nil
	}
	if err := c.Server.Ready(); err != nil {
		return m, err
	}
	graph := c.Graph()
	m.Platform, m.Inputs, m.Outputs = "onnxruntime_onnx", inputHeads(graph.Inputs), outputHeads(graph.Outputs)
	return m, nil
}

// The network's fractions are FP32 here and its whole numbers INT64, whatever they
// are in the graph: that is how a session takes and gives them.

// inputHeads are what a network takes.
func inputHeads(ports []Port) []tensorHead {
	return heads(ports, func(kind string) bool { return kind == "int64" })
}

// outputHeads are what a network gives.
func outputHeads(ports []Port) []tensorHead {
	return heads(ports, func(kind string) bool {
		return strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") || kind == "bool"
	})
}

func heads(ports []Port, isWhole func(kind string) bool) []tensorHead {
	list := make([]tensorHead, len(ports))
	for i, p := range ports {
		list[i] = tensorHead{p.Name, fp32, p.Shape}
		if isWhole(p.Type) {
			list[i].Datatype = int64s
		}
		if p.Shape == nil {
			list[i].Shape = []int64{-1}
		}
	}
	return list
}
