package inspect

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// input finds the picture among the inputs, and what is fed beside it.
func (r *recognition) input() error {
	var pictures []Tensor
	for _, in := range r.model.Inputs {
		if what := besideOf(in); what != "" && len(r.model.Inputs) > 1 {
			r.Beside, r.beside = append(r.Beside, what), append(r.beside, in)
			continue
		}
		pictures = append(pictures, in)
	}
	if len(pictures) != 1 || len(r.beside) > 2 || repeated(r.Beside) {
		return refuse("it takes %d inputs (%s), and what is fed is a picture, to family %s its size too, int64 [1 2], and to family %s a scale, float32 [1 2]",
			len(r.model.Inputs), list(r.model.Inputs), functions.FamilyDETR, functions.FamilyPaddle)
	}
	in := pictures[0]
	if !slices.Contains([]string{"float32", "float16", "uint8"}, in.Type) {
		return refuse("its input is %v; export it with an input of float32, float16 or uint8", in)
	}
	var known bool
	if r.Layout, known = layoutOf(in); !known {
		return refuse("its input is %v, and a picture is fed as [1 3 height width], [1 height width 3], or either without the 1", in)
	}
	height, width := sides(in, r.Layout)
	switch {
	case len(in.Shape) == 4 && in.Shape[0].Size >= 0 && in.Shape[0].Size != 1:
		return refuse("its input is %v: a fixed batch of %d; export it with a batch of 1 or a free one", in, in.Shape[0].Size)
	case height >= 0 && width >= 0 && height != width:
		return refuse("its input is %v, and the picture is fed as a square", in)
	}
	r.fed = in
	if r.Layout != functions.LayoutNCHW {
		r.because("layout %s: the input is %v", r.Layout, in)
	}
	return nil
}

// besideOf tells what is fed beside pictures: DETR's orig_target_sizes, int64 [N 2],
// and PaddleDetection's scale_factor and im_shape, float32 [N 2].
func besideOf(t Tensor) functions.Beside {
	if len(t.Shape) != 2 || t.Shape[0].Size >= 0 && t.Shape[0].Size != 1 || t.Shape[1].Size != 2 {
		return ""
	}
	name := strings.ToLower(t.Name)
	switch {
	case t.Type == "int64":
		return functions.BesidePicture
	case t.Type == "float32" && strings.Contains(name, "scale"):
		return functions.BesideOnes
	case t.Type == "float32" && strings.Contains(name, "im_shape"):
		return functions.BesideInput
	}
	return ""
}

func repeated(list []functions.Beside) bool {
	return len(list) == 2 && list[0] == list[1]
}

// layoutOf tells the order of the axes by where the three channels are; of an input
// that leaves them free they are first.
func layoutOf(t Tensor) (functions.Layout, bool) {
	is := func(axis int, sizes ...int64) bool { return slices.Contains(sizes, max(-1, t.Shape[axis].Size)) }
	switch len(t.Shape) {
	case 4:
		switch {
		case is(1, 3) || is(1, -1) && !is(3, 3):
			return functions.LayoutNCHW, true
		case is(3, 3):
			return functions.LayoutNHWC, true
		}
	case 3:
		switch {
		case is(0, 3):
			return functions.LayoutCHW, true
		case is(2, 3):
			return functions.LayoutHWC, true
		}
	}
	return "", false
}

// sides are the input's height and width, -1 where they are free.
func sides(t Tensor, l functions.Layout) (height, width int64) {
	first := len(t.Shape) - 2
	if l.ChannelsLast() {
		first--
	}
	return t.Shape[first].Size, t.Shape[first+1].Size
}

// The bounds of an input's side; the upper bounds its memory, 200 MB.
const (
	minInputSize = 32
	maxInputSize = 4096
)

// size settles the side of the square.
func (r *recognition) size() error {
	fixed := max(sides(r.fed, r.Layout))
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
	case len(imgsz) == 2:
		r.InputSize = max(imgsz[0], imgsz[1])
		r.because("input size %d: the metadata's imgsz is %v, and the picture is fed as a square", r.InputSize, imgsz)
	default:
		r.InputSize = r.usual()
		r.because("input size %d: nothing says otherwise (spec.model.inputSize would)", r.InputSize)
	}
	if r.InputSize < minInputSize || r.InputSize > maxInputSize {
		return refuse("its input would be %d pixels; it is %d to %d, and for most families a multiple of 32",
			r.InputSize, minInputSize, maxInputSize)
	}
	r.Inputs = []Port{{Name: r.fed.Name, Type: r.fed.Type, Shape: r.Layout.Shape(int64(r.InputSize))}}
	for _, beside := range r.beside {
		r.Inputs = append(r.Inputs, Port{Name: beside.Name, Type: beside.Type, Shape: []int64{1, 2}})
	}
	return nil
}

// usual is the input size where nothing tells it: 640 pixels, or what of the
// network's coarsest stride comes next.
func (r *recognition) usual() int {
	stride, _ := pythonInts(r.model.Metadata["stride"])
	if len(stride) == 0 {
		return 640
	}
	s := slices.Max(stride)
	if s < 1 || s > 640 {
		return 640
	}
	return (640 + s - 1) / s * s
}

// fraction says that the values come as float32.
func (p Port) fraction() bool {
	return slices.Contains([]string{"float32", "float16", "bfloat16", "float64"}, p.Type)
}

// whole says that the values come as int64.
func (p Port) whole() bool {
	return slices.Contains([]string{"int64", "int32", "int16", "int8", "uint32", "uint16", "uint8"}, p.Type)
}

// free says that only a run can tell the shape.
func (p Port) free() bool { return len(p.Shape) == 0 || slices.Min(p.Shape) < 0 }

func (p Port) String() string { return fmt.Sprintf("%s %s %v", p.Name, p.Type, p.Shape) }
