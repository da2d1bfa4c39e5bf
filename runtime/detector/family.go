package detector

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// family is how a kind of network is fed and read: the function's manner, and the
// reader that goes with it.
type family struct {
	functions.Manner
	// layout is how the picture is prepared; its Size is the function's.
	layout vision.Layout
	// beside is what is fed beside the picture.
	beside []functions.Beside
	// read appends the boxes that score minScore or more to s.boxes, in pixels of
	// the input square of size pixels a side, or, where sized, of the picture.
	read func(s *scratch, outputs []Tensor, size int, minScore float32) error
}

// familyOf is the family with what the function declares otherwise.
func familyOf(o Options) (family, error) {
	manner, known := o.Family.Manner()
	if !known {
		return family{}, fmt.Errorf("no family %q: it is one of %v", o.Family, functions.Families)
	}
	manner.Feed, manner.Read = o.Feed.Over(manner.Feed), o.Read.Over(manner.Read)
	f := family{Manner: manner, beside: o.Beside, read: reader(o.Family, manner.Read)}
	if f.beside == nil && manner.Sized {
		f.beside = []functions.Beside{functions.BesidePicture}
	}
	var err error
	f.layout, err = layoutOf(manner.Feed, o.InputSize)
	return f, err
}

// reader is how the family's outputs become boxes; r is complete where the family
// leaves a choice.
func reader(f functions.Family, r functions.Read) func(*scratch, []Tensor, int, float32) error {
	switch f {
	case functions.FamilyYOLOv5, functions.FamilyYOLOv6, functions.FamilyYOLOXDecoded:
		return readYOLOv5
	case functions.FamilyYOLOv7E2E:
		return readYOLOv7E2E
	case functions.FamilyYOLOv8:
		return readYOLOv8
	case functions.FamilyYOLOE2E:
		return readYOLOE2E
	case functions.FamilyYOLOX:
		return readYOLOX
	case functions.FamilyCenterNet:
		return readCenterNet
	case functions.FamilyDETR:
		return readDETR
	case functions.FamilyDETRRaw:
		return readDETRRaw
	case functions.FamilyDETRSoftmax:
		return readDETRSoftmax
	case functions.FamilyRTDETR:
		return readRTDETR
	case functions.FamilySSD:
		return corners(r).readSSD
	case functions.FamilyTFOD:
		return corners(r).readTFOD
	case functions.FamilyEfficientNMS:
		return corners(r).readEfficientNMS
	case functions.FamilyNMSIndices:
		return corners(r).readNMSIndices
	case functions.FamilyPaddle:
		return readPaddle
	}
	return nil // of a family without a manner
}

// matching is the first output of float32 and the wanted shape, with all its data;
// a wanted dimension below zero, -n, stands for n or more, and [some] for any
// number, none included. Where there is none, the error says which shape is read
// and which came.
func matching(outputs []Tensor, reads string, want ...int64) (Tensor, error) {
	for _, t := range outputs {
		if t.Ints == nil && t.fits(want) {
			return t, nil
		}
	}
	return Tensor{}, unlike(outputs, reads)
}

// matchingInts is [matching] for whole numbers.
func matchingInts(outputs []Tensor, reads string, want ...int64) (Tensor, error) {
	for _, t := range outputs {
		if t.Data == nil && t.fits(want) {
			return t, nil
		}
	}
	return Tensor{}, unlike(outputs, reads)
}

// some stands for a dimension that may be of no length: boxes that NMS has left.
const some = 0

func unlike(outputs []Tensor, reads string) error {
	came := make([]string, len(outputs))
	for i, t := range outputs {
		came[i] = fmt.Sprintf("%s %v", t.Name, t.Shape)
		if t.Ints != nil {
			came[i] = fmt.Sprintf("%s int64 %v", t.Name, t.Shape)
		}
	}
	return functions.Errorf(functions.Unavailable,
		"the model's outputs are not of its family: %s is read, and what came is %s", reads, strings.Join(came, ", "))
}

func (t Tensor) fits(want []int64) bool {
	if len(t.Shape) != len(want) {
		return false
	}
	const most = 1 << 31 // of values: two such factors do not overflow
	size := int64(1)
	for i, n := range t.Shape {
		switch {
		case n < 0 || n > most,
			want[i] > 0 && n != want[i],
			want[i] < 0 && n < -want[i]:
			return false
		}
		if size *= n; size > most {
			return false
		}
	}
	return size == int64(t.values())
}
