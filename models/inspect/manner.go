package inspect

import (
	"fmt"

	"github.com/seed45885407/saccade/functions"
)

// Fed is a sentence on how pictures become the input.
func (r Recognised) Fed() string {
	grey := "letterboxed into %[1]d x %[1]d pixels, centred on grey (114), RGB over 255"
	stretched := "stretched to %[1]d x %[1]d pixels, RGB over 255"
	how := map[functions.Family]string{
		functions.FamilyYOLOv5:    grey,
		functions.FamilyYOLOv8:    grey,
		functions.FamilyYOLOE2E:   grey,
		functions.FamilyYOLOX:     "letterboxed into %[1]d x %[1]d pixels, top left on grey (114), BGR from 0 to 255",
		functions.FamilyCenterNet: "letterboxed into %[1]d x %[1]d pixels, centred on black, RGB over 255",
		functions.FamilyDETR:      stretched + "; beside it the picture's own width and height",
		functions.FamilyDETRRaw:   stretched,
	}
	return fmt.Sprintf(how[r.Family], r.InputSize)
}

// Read is a sentence on how the outputs become boxes, with the family's own
// overlap for NMS.
func (r Recognised) Read() string {
	return map[functions.Family]string{
		functions.FamilyYOLOv5:    "cx, cy, w, h in input pixels, objectness times the best class's score; NMS above IoU 0.45",
		functions.FamilyYOLOv8:    "cx, cy, w, h in input pixels, the best class's score; NMS above IoU 0.7",
		functions.FamilyYOLOE2E:   "two corners in input pixels, score and class; no NMS",
		functions.FamilyYOLOX:     "cells of grids with strides 8, 16 and 32, objectness times the best class's score; NMS above IoU 0.45",
		functions.FamilyCenterNet: "two corners in input pixels, score and class; NMS above IoU 0.5",
		functions.FamilyDETR:      "labels, two corners in the picture's own pixels, scores; no NMS",
		functions.FamilyDETRRaw:   "the sigmoid of each query's logits, cx, cy, w, h in shares of the input; no NMS",
	}[r.Family]
}
