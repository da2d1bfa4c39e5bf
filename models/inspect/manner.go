package inspect

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// manner settles how the family is fed and read here: function.yaml comes first,
// then the graph, then the family.
func (r *recognition) manner() error {
	m, _ := r.Family.Manner()
	if m.Grid && r.InputSize%32 != 0 {
		return refuse("its input would be %d pixels, and family %s needs a multiple of 32 (spec.model.inputSize)", r.InputSize, r.Family)
	}
	if d := r.declared.Read; !m.Choice && (d.Corners != "" || d.Unit != "") {
		return refuse("family %s reads its boxes one way; spec.model.read.corners and unit are for families that leave a choice", r.Family)
	}
	r.Feed = r.declared.Feed
	if r.fed.Type == "uint8" {
		if len(r.Feed.Mean)+len(r.Feed.Std) > 0 || r.Feed.Divisor != 0 && r.Feed.Divisor != 1 {
			return refuse("its input is %v, which takes bytes as they are, and spec.model.feed divides or shifts them", r.fed)
		}
		r.Feed.Divisor = 1
		if m.Feed.Divisor != 1 {
			r.because("bytes as they are: the input is %v", r.fed)
		}
		if len(m.Feed.Mean) > 0 {
			r.Feed.Mean, r.Feed.Std = []float64{}, []float64{}
		}
	}
	return nil
}

// labels settles the class names.
func (r *recognition) labels() error {
	if r.Read.ClassIDs == functions.ClassIDsCOCO91 {
		if c := r.Classes; c != 0 && (c < 90 || c > 91) {
			return refuse("it has %d classes, and spec.model.read.classIds %s has category ids up to 90", c, functions.ClassIDsCOCO91)
		}
		r.Classes = len(functions.COCO())
	}
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

// Fed is a sentence on how pictures become the input.
func (r Recognised) Fed() string {
	m, _ := r.Family.Manner()
	f := r.Feed.Over(m.Feed)
	var said []string
	into := fmt.Sprintf("into %[1]d x %[1]d pixels", r.InputSize)
	switch f.Place {
	case functions.PlaceStretched:
		said = append(said, fmt.Sprintf("stretched to %[1]d x %[1]d pixels", r.InputSize))
	case functions.PlaceTopLeft:
		said = append(said, "letterboxed "+into, "top left on "+colour(*f.Pad))
	default:
		said = append(said, "letterboxed "+into, "centred on "+colour(*f.Pad))
	}
	values := strings.ToUpper(f.Colours)
	if f.Divisor == 1 {
		values += " from 0 to 255"
	} else {
		values += fmt.Sprintf(" over %v", f.Divisor)
	}
	if len(f.Mean) > 0 {
		values += fmt.Sprintf(" less %v", f.Mean)
	}
	if len(f.Std) > 0 {
		values += fmt.Sprintf(" over %v", f.Std)
	}
	said = append(said, values)
	if r.Layout.ChannelsLast() {
		said = append(said, "channels last")
	}
	if len(r.Inputs) > 0 && r.Inputs[0].Type != "float32" {
		said = append(said, "as "+r.Inputs[0].Type)
	}
	sentence := strings.Join(said, ", ")
	for _, b := range r.Beside {
		sentence += map[functions.Beside]string{
			functions.BesidePicture: "; beside it the picture's own width and height",
			functions.BesideInput:   "; beside it the input's height and width",
			functions.BesideOnes:    "; beside it a scale of 1 and 1",
		}[b]
	}
	return sentence
}

func colour(pad int) string {
	if pad == 0 {
		return "black"
	}
	return fmt.Sprintf("grey (%d)", pad)
}

// Reads is a sentence on how the outputs become boxes, with the family's own
// overlap for NMS.
func (r Recognised) Reads() string {
	m, _ := r.Family.Manner()
	read := r.Read.Over(m.Read)
	sentence := m.Outputs
	if m.Choice {
		sentence += map[string]string{
			functions.CornersXYXY:   "; two corners, x first",
			functions.CornersYXYX:   "; two corners, y first",
			functions.CornersCXCYWH: "; cx, cy, w, h",
		}[read.Corners]
		sentence += map[string]string{
			functions.UnitPixels: ", in input pixels",
			functions.UnitShares: ", in shares of the input",
		}[read.Unit]
	}
	switch read.ClassIDs {
	case functions.ClassIDsFrom1:
		sentence += "; class ids from 1 on"
	case functions.ClassIDsCOCO91:
		sentence += "; class ids are COCO's category ids"
	}
	if m.NMS {
		return sentence + fmt.Sprintf("; NMS above IoU %v", m.IoU)
	}
	return sentence + "; no NMS"
}
