package inspect

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Recognised is how a model is fed and read.
type Recognised struct {
	Family functions.Family
	// Inputs are in the order they are fed: the picture, float32 [1, 3, InputSize,
	// InputSize], and for family detr its width and height, int64 [1, 2].
	Inputs []Port
	// InputSize is in pixels, a multiple of 32.
	InputSize int
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
	// Type is float32 or int64.
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
	for _, step := range []func() error{r.servable, r.input, r.size, r.family, r.labels} {
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
	sizes    *Tensor  // the picture's size; nil: it is not fed
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
		return refuse("its weights lie in other files; save it as one file")
	}
	if task := r.model.Metadata["task"]; task != "" && task != "detect" {
		return refuse("its metadata says that its task is %.64q, and only detection is served", task)
	}
	r.names, _ = pythonNames(r.model.Metadata["names"])
	return nil
}

// input finds the picture among the inputs, and its size, which is all that is
// fed beside it.
func (r *recognition) input() error {
	inputs := slices.Clone(r.model.Inputs)
	if i := slices.IndexFunc(inputs, isSizes); len(inputs) == 2 && i >= 0 {
		r.sizes = new(inputs[i])
		inputs = slices.Delete(inputs, i, i+1)
	}
	if n := len(inputs); n != 1 {
		return refuse("it takes %d inputs (%s), and what is fed is a picture, and to family %s its size too, int64 [1 2]",
			n, list(r.model.Inputs), functions.FamilyDETR)
	}
	in := inputs[0]
	shape := in.Shape
	switch {
	case in.Type != "float32":
		return refuse("its input is %v; export it with a float32 input", in)
	case len(shape) != 4 || shape[1].Size != 3 && shape[1].Size >= 0:
		return refuse("its input is %v, and a picture is fed as float32 [1 3 height width]", in)
	case shape[0].Size >= 0 && shape[0].Size != 1:
		return refuse("its input is %v: a fixed batch of %d; export it with a batch of 1 or a free one", in, shape[0].Size)
	case shape[2].Size != shape[3].Size:
		return refuse("its input is %v, and the picture is fed as a square", in)
	}
	r.fed = in
	return nil
}

// isSizes tells DETR's second input, orig_target_sizes int64 [N 2].
func isSizes(t Tensor) bool {
	return t.Type == "int64" && len(t.Shape) == 2 && (t.Shape[0].Size < 0 || t.Shape[0].Size == 1) && t.Shape[1].Size == 2
}

// size settles the side of the square.
func (r *recognition) size() error {
	fixed := r.fed.Shape[2].Size
	wanted := r.declared.InputSize
	imgsz, _ := pythonInts(r.model.Metadata["imgsz"])
	switch {
	case fixed >= 0 && wanted != 0 && int64(wanted) != fixed:
		return refuse("its input is fixed at %d pixels, and spec.model.inputSize says %d", fixed, wanted)
	case fixed >= 0:
		r.InputSize = int(min(fixed, math.MaxInt32))
		r.because("input size %d: the graph fixes it", r.InputSize)
	case wanted != 0:
		r.InputSize = wanted
		r.because("input size %d: spec.model.inputSize says so", r.InputSize)
	case len(imgsz) == 2 && imgsz[0] == imgsz[1] || len(imgsz) == 1:
		r.InputSize = imgsz[0]
		r.because("input size %d: the metadata's imgsz says so", r.InputSize)
	default:
		r.InputSize = 640
		r.because("input size 640: nothing says otherwise (spec.model.inputSize would)")
	}
	if r.InputSize <= 0 || r.InputSize%32 != 0 || r.InputSize > maxInputSize {
		return refuse("its input would be %d pixels; spec.model.inputSize is a multiple of 32, at most %d",
			r.InputSize, maxInputSize)
	}
	side := int64(r.InputSize)
	r.Inputs = []Port{{Name: r.fed.Name, Type: "float32", Shape: []int64{1, 3, side, side}}}
	if r.sizes != nil {
		r.Inputs = append(r.Inputs, Port{Name: r.sizes.Name, Type: "int64", Shape: []int64{1, 2}})
	}
	return nil
}

// maxInputSize bounds the memory of one input: 200 MB.
const maxInputSize = 4096

// family settles which outputs are read and how.
func (r *recognition) family() error {
	declared := r.declared.Family
	if declared == functions.FamilyAuto {
		declared = ""
	}
	switch {
	case declared != "" && !slices.Contains(functions.Families, declared):
		return refuse("spec.model.family %.64q is none of %v", declared, functions.Families)
	case r.sizes != nil && declared != "" && declared != functions.FamilyDETR:
		return refuse("it takes 2 inputs (%s), and family %s is fed a picture alone", list(r.model.Inputs), declared)
	case r.sizes == nil && declared == functions.FamilyDETR:
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
	if why := r.unserved(); len(matches) == 0 && why != "" {
		return refuse("%s", why)
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
	r.Family, r.Outputs, r.Classes = m.family, m.outputs, m.classes
	r.because("family %s: %s", m.family, m.reason)
	return nil
}

// readings are the ways to read the outputs that come into question: all of them
// at once for the families of several outputs, each alone for the others.
func (r *recognition) readings(declared functions.Family) []func() (match, string) {
	if r.sizes != nil {
		return []func() (match, string){r.detr}
	}
	if declared == functions.FamilyDETRRaw || declared == "" && r.namesLogits() {
		return []func() (match, string){r.detrRaw}
	}
	var tries []func() (match, string)
	for _, out := range r.model.Outputs {
		shape := r.resolved(out)
		if out.Type != "float32" || len(shape) != 3 || shape[0] > 1 {
			continue
		}
		tries = append(tries, func() (m match, doubt string) {
			if declared != "" {
				m, doubt = r.asDeclared(out, shape, declared)
			} else {
				m, doubt = r.guess(out, shape)
			}
			m.outputs = []Port{{Name: out.Name, Type: out.Type, Shape: shape}}
			return m, doubt
		})
	}
	return tries
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

// labels settles the class names.
func (r *recognition) labels() error {
	declared, named := r.declared.Labels, len(r.names)
	if r.Classes == 0 && len(declared) == 0 {
		r.Classes = named
	}
	switch {
	case len(declared) > 0 && r.Classes > 0 && len(declared) != r.Classes:
		return refuse("it has %d classes, and spec.model.labels names %d", r.Classes, len(declared))
	case len(declared) > 0:
		r.Labels, r.Classes = declared, len(declared)
		r.because("%d labels: function.yaml names them", r.Classes)
	case named > 0 && named == r.Classes:
		r.Labels = r.names
		r.because("%d labels: the metadata names them", r.Classes)
	case r.Classes == len(functions.COCO()):
		r.Labels = functions.COCO()
		r.because("80 labels: COCO's, as the model has as many classes (spec.model.labels would replace them)")
	default:
		r.because("no labels: neither spec.model.labels nor the metadata names the classes")
	}
	return nil
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
