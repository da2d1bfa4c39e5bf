package inspect

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Recognised is how a model is fed and read.
type Recognised struct {
	Family functions.Family
	// Inputs are in the order they are fed: the picture, InputSize pixels a side, its
	// axes in the order of Layout, and then what Beside says, [1, 2] each.
	Inputs []Port
	Layout functions.Layout
	Beside []functions.Beside
	// InputSize is in pixels.
	InputSize int
	// Feed and Read are what differs from the family's own manner: function.yaml says
	// so, or the graph.
	Feed functions.Feed
	Read functions.Read
	// Outputs are those that are read.
	Outputs []Port
	// Classes is the number of classes; 0 where neither shapes nor names tell.
	Classes int
	// Labels are the class names in order of class id; nil where nobody names them.
	Labels []string
	// Reasons are sentences that say what each of the above was told by.
	Reasons []string
}

// Port is an input that is fed or an output that is read.
type Port struct {
	Name string
	// Type is the graph's, as NumPy names it.
	Type string
	// Shape is that of a batch of 1, -1 where only a run can tell.
	Shape []int64
}

// Recognise settles how m is served as f: what f declares comes first, then what
// the graph's shapes and metadata say. What it cannot settle, or cannot serve, is
// a functions.Error of kind Unavailable that names the field of function.yaml
// that would settle it, where one would.
func Recognise(m *Model, f functions.Function) (Recognised, error) {
	r := &recognition{model: m, declared: f.Spec.Model}
	for _, step := range []func() error{r.servable, r.input, r.size, r.family, r.manner, r.labels} {
		if err := step(); err != nil {
			return Recognised{}, err
		}
	}
	return r.Recognised, nil
}

// recognition is a Recognised on its way.
type recognition struct {
	Recognised
	model    *Model
	declared functions.Model
	fed      Tensor   // the picture
	beside   []Tensor // what is fed beside it, as Beside says
	names    []string // class names in the metadata
}

func refuse(format string, args ...any) error {
	return functions.Errorf(functions.Unavailable, "the model cannot be served: "+format, args...)
}

func (r *recognition) because(format string, args ...any) {
	r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
}

// servable refuses what no choice in function.yaml would make servable.
func (r *recognition) servable() error {
	if r.model.External {
		if where := r.model.Location; where != "" && !filepath.IsLocal(filepath.FromSlash(where)) {
			return refuse("its weights lie in %.200q, outside its own folder, where nothing is read; save it as one file", where)
		}
		return refuse("its weights lie in other files; save it as one file")
	}
	if why := r.model.unsound(); why != "" {
		return refuse("%s", why)
	}
	if task := r.model.Metadata["task"]; task != "" && task != "detect" {
		return refuse("its metadata says that its task is %.64q, and only detection is served", task)
	}
	if what := r.model.noPictures(); what != "" {
		return refuse("it looks like %s, and only detectors are served", what)
	}
	r.names, _ = pythonNames(r.model.Metadata["names"])
	return nil
}

// unsound is what is wrong with the graph that no runtime gets over; empty: nothing.
func (m *Model) unsound() string {
	if m.graph == nil {
		return ""
	}
	if m.graph.damage != "" {
		return m.graph.damage
	}
	return cmp.Or(m.graph.circle(), m.graph.unknown(m.Opset))
}

// family settles which outputs are read and how.
func (r *recognition) family() error {
	declared := r.declared.Family
	if declared == functions.FamilyAuto {
		declared = ""
	}
	sized := slices.Contains(r.Beside, functions.BesidePicture)
	scaled := slices.Contains(r.Beside, functions.BesideOnes)
	switch {
	case declared != "" && !slices.Contains(functions.Families, declared):
		return refuse("spec.model.family %.64q is none of %v", declared, functions.Families)
	case sized && declared != "" && declared != functions.FamilyDETR,
		scaled && declared != "" && declared != functions.FamilyPaddle:
		return refuse("it takes %d inputs (%s), and family %s is fed a picture alone", len(r.model.Inputs), list(r.model.Inputs), declared)
	case !sized && declared == functions.FamilyDETR:
		return refuse("it takes a picture alone, and family %s is fed its size too, int64 [1 2]; %s is fed a picture alone",
			declared, functions.FamilyDETRRaw)
	}
	var matches []match
	var doubts []string
	for _, try := range r.readings(declared) {
		switch m, doubt := try(); {
		case doubt != "":
			doubts = append(doubts, doubt)
		case m.family != "":
			matches = append(matches, m)
		}
	}
	what := r.masked()
	if what == "" && len(matches) == 0 {
		what = r.resembles()
	}
	if what != "" && (len(matches) == 0 || declared == "") {
		return refuse("it looks like %s, and only detectors are served", what)
	}
	if len(matches) != 1 {
		why := strings.Join(doubts, "; ")
		if len(matches) > 1 {
			why = "several could be read"
		}
		if why != "" {
			why = ": " + why
		}
		return refuse("how to read its outputs (%s) is not recognised%s; spec.model.family in function.yaml settles it: one of %v",
			list(r.model.Outputs), why, functions.Families)
	}
	m := matches[0]
	if m.unsettled != "" {
		return refuse("%s", m.unsettled)
	}
	r.Family, r.Outputs, r.Classes, r.Read = m.family, m.outputs, m.classes, r.declared.Read.Over(m.read)
	r.because("family %s: %s", m.family, m.reason)
	return nil
}

// resolved is the shape of out for a batch of 1, -1 for axes that stay free.
func (r *recognition) resolved(out Tensor) []int64 {
	known := map[string]int64{}
	for i, size := range r.Inputs[0].Shape {
		if name := r.fed.Shape[i].Name; name != "" {
			known[name] = size
		}
	}
	shape := make([]int64, len(out.Shape))
	for i, a := range out.Shape {
		shape[i] = a.Size
		if size, ok := known[a.Name]; ok && a.Size < 0 {
			shape[i] = size
		}
	}
	return shape
}

func list(tensors []Tensor) string {
	const most = 8
	var shown []string
	for _, t := range tensors[:min(len(tensors), most)] {
		shown = append(shown, t.String())
	}
	if len(tensors) > most {
		shown = append(shown, "...")
	}
	return strings.Join(shown, ", ")
}
