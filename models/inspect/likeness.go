package inspect

import (
	"fmt"
	"strings"
)

// noPictures names what a model is that is not fed a picture; empty: it may be.
func (m *Model) noPictures() string {
	for _, in := range m.Inputs {
		name := strings.ToLower(in.Name)
		rank := len(in.Shape)
		switch {
		case strings.Contains(name, "input_ids"), strings.Contains(name, "past_key"), strings.Contains(name, "attention_mask"):
			return fmt.Sprintf("a language model (it is fed %v)", in)
		case strings.Contains(name, "input_features"), strings.Contains(name, "mel"), strings.Contains(name, "audio"), strings.Contains(name, "waveform"):
			return fmt.Sprintf("a model for sound (it is fed %v)", in)
		case len(m.Inputs) == 1 && in.Type == "float32" && rank == 2 && in.Shape[1].Size != 3:
			return fmt.Sprintf("a model for rows of numbers (it is fed %v)", in)
		case len(m.Inputs) == 1 && in.Type == "string":
			return fmt.Sprintf("a model for text (it is fed %v)", in)
		}
	}
	return ""
}

// resembles names what a model for pictures is that is no detector, or one whose
// outputs are not boxes yet; empty where its outputs tell nothing of the kind.
func (r *recognition) resembles() string {
	var rows, maps, grids, others int
	var last Port
	for _, p := range r.all() {
		rank := len(p.Shape)
		switch {
		case !p.fraction():
			others++
			continue
		case rank == 2 && p.Shape[0] <= 1 && p.Shape[1] != 4 && p.Shape[1] != 7:
			rows++
		case rank == 4 && p.Shape[0] <= 1:
			maps++
		case rank == 5 && p.Shape[0] <= 1:
			grids++
		default:
			others++
			continue
		}
		last = p
	}
	all := len(r.model.Outputs)
	switch {
	case rows == all && all == 1:
		return fmt.Sprintf("a classifier or an embedding (%v is a row of %s a picture)", last, numbers(last.Shape[1]))
	case rows == all && all > 0:
		return fmt.Sprintf("a classifier or an embedding (%s are rows of numbers a picture)", list(r.model.Outputs))
	case grids > 0 && grids+others == all && others <= 1 && grids >= 2,
		maps == all && all >= 3 && r.grids():
		return fmt.Sprintf("a detector's grids before their decoding (%s): export it with its decoding", list(r.model.Outputs))
	case maps == all && all == 1 && (last.Shape[1] == 1 || last.Shape[1] == 3):
		return fmt.Sprintf("a network that makes pictures of pictures, as of depth or in higher resolution (%v)", last)
	case maps == all && all > 0:
		return fmt.Sprintf("a segmentation network or feature extractor (%s)", list(r.model.Outputs))
	}
	return ""
}

// masked tells YOLO's instance segmentation: its boxes have 32 numbers more, which
// could be taken for classes.
func (r *recognition) masked() string {
	side := int64(r.InputSize) / 4
	for _, p := range r.all() {
		if len(r.model.Outputs) == 2 && p.fraction() && len(p.Shape) == 4 && p.Shape[1] == 32 && p.Shape[2] == side && p.Shape[3] == side {
			return fmt.Sprintf("an instance segmentation network (%v are the prototypes of its masks)", p)
		}
	}
	return ""
}

// grids says that the outputs have the sides of a detector's strides.
func (r *recognition) grids() bool {
	found := 0
	for _, p := range r.all() {
		for _, stride := range []int64{8, 16, 32, 64} {
			side := int64(r.InputSize) / stride
			if len(p.Shape) == 4 && (p.Shape[2] == side && p.Shape[3] == side || p.Shape[1] == side && p.Shape[2] == side) {
				found++
				break
			}
		}
	}
	return found >= 3
}

func numbers(n int64) string {
	if n < 0 {
		return "numbers"
	}
	return fmt.Sprintf("%d numbers", n)
}
