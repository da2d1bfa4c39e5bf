package detector

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// family is how a kind of network is fed and read.
type family struct {
	// layout is how the picture is prepared; its Size is the function's.
	layout vision.Layout
	// sized says that the network is fed the picture's size too, and that its boxes
	// are therefore in the picture's own pixels.
	sized bool
	// read appends the boxes that score minScore or more to s.boxes, in pixels of
	// the input square of size pixels a side, or, where sized, of the picture.
	read func(s *scratch, outputs []Tensor, size int, minScore float32) error
	// nms says that the network leaves several boxes on one object, and iou from
	// which overlap on they are one, where the function does not say otherwise.
	nms bool
	iou float64
}

// grey is the padding YOLO networks are trained with.
const grey = 114

func families() map[functions.Family]family {
	return map[functions.Family]family{
		functions.FamilyYOLOv5: {
			layout: vision.Layout{Place: vision.Centred, Pad: grey, Divisor: 255},
			read:   readYOLOv5, nms: true, iou: 0.45,
		},
		functions.FamilyYOLOv8: {
			layout: vision.Layout{Place: vision.Centred, Pad: grey, Divisor: 255},
			read:   readYOLOv8, nms: true, iou: 0.7,
		},
		functions.FamilyYOLOE2E: {
			layout: vision.Layout{Place: vision.Centred, Pad: grey, Divisor: 255},
			read:   readYOLOE2E,
		},
		functions.FamilyYOLOX: {
			layout: vision.Layout{Place: vision.TopLeft, Pad: grey, BGR: true, Divisor: 1},
			read:   readYOLOX, nms: true, iou: 0.45,
		},
		functions.FamilyCenterNet: {
			layout: vision.Layout{Place: vision.Centred, Pad: 0, Divisor: 255},
			read:   readCenterNet, nms: true, iou: 0.5,
		},
		functions.FamilyDETR: {
			layout: vision.Layout{Place: vision.Stretched, Divisor: 255},
			sized:  true,
			read:   readDETR,
		},
		functions.FamilyDETRRaw: {
			layout: vision.Layout{Place: vision.Stretched, Divisor: 255},
			read:   readDETRRaw,
		},
	}
}

// matching is the first float32 output of the wanted shape, with all its data; a
// wanted dimension below zero, -n, stands for n or more. Where there is none, the
// error says which shape is read and which came.
func matching(outputs []Tensor, reads string, want ...int64) (Tensor, error) {
	for _, t := range outputs {
		if t.Ints == nil && t.fits(want) {
			return t, nil
		}
	}
	return Tensor{}, unlike(outputs, reads)
}

// matchingInts is [matching] for int64.
func matchingInts(outputs []Tensor, reads string, want ...int64) (Tensor, error) {
	for _, t := range outputs {
		if t.Data == nil && t.fits(want) {
			return t, nil
		}
	}
	return Tensor{}, unlike(outputs, reads)
}

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
	size := int64(1)
	for i, n := range t.Shape {
		if n < max(1, -want[i]) || want[i] > 0 && n != want[i] {
			return false
		}
		if n > int64(t.values())/size {
			return false // before the product can overflow
		}
		size *= n
	}
	return size == int64(t.values())
}
