package onnx

import (
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// write is a network of the family, as bytes.
func (m member) write(in, out string, layout functions.Layout) []byte {
	b := &builder{}
	b.input("images", in, layout.Shape(side)...)
	if m.sized {
		b.input("orig_target_sizes", "int64", 1, 2)
	}
	for _, name := range m.beside {
		b.input(name, "float32", 1, 2)
	}
	row := m.at
	if row == 0 {
		row = 20 // of the picture, however it is placed
	}
	middle := row*side + side/2
	if layout.ChannelsLast() {
		middle *= 3
	}
	first := m.first
	if in == "uint8" {
		first = 200 // whatever it would be divided by
		if m.first == bgr {
			first = bgr
		}
	}
	// The first value of that pixel, over what it should be.
	flat := b.node("Reshape", "", []string{b.cast("images", "", "float32"), b.ints([]int64{-1}, 1)})
	value := b.node("Gather", "", []string{flat, b.ints([]int64{int64(middle)}, 1)})
	share := b.node("Div", "", []string{value, b.floats([]float32{float32(first)}, 1)})
	for _, besides := range append(slices.Clone(m.beside), map[bool][]string{true: {"orig_target_sizes"}}[m.sized]...) {
		share = b.scaled(share, besides)
	}
	list := objects(m.place)
	if m.nms {
		list = twice(list)
	}
	for _, h := range m.outputs(list) {
		declared := h.shape
		if h.declared != nil {
			declared = h.declared
		}
		if h.ints != nil {
			kind := "int64"
			if h.name == "num_dets" || h.name == "det_classes" {
				kind = "int32" // as the plugin has it
			}
			b.cast(b.ints(h.ints, h.shape...), h.name, kind)
			b.output(h.name, kind, declared...)
			continue
		}
		scores := b.node("Mul", "", []string{b.floats(h.scores, h.shape...), share})
		sum := b.node("Add", "", []string{b.floats(h.fixed, h.shape...), scores})
		b.cast(sum, h.name, out)
		b.output(h.name, out, declared...)
	}
	return b.file()
}

// scaled is share times what is fed beside the picture over what that should be.
func (b *builder) scaled(share, name string) string {
	should := map[string][]float32{"orig_target_sizes": {128, 64}, "scale_factor": {1, 1}, "im_shape": {side, side}}[name]
	over := b.node("Div", "", []string{b.cast(name, "", "float32"), b.floats(should, 1, 2)})
	sum := b.node("ReduceMax", "", []string{over}, attribute{"keepdims", 0})
	return b.node("Mul", "", []string{share, sum})
}

// nmsGraph is a network whose last step is ONNX's own NonMaxSuppression, which takes
// boxes by their centres or by two corners.
func nmsGraph(in, out string, centred int64) []byte {
	b := &builder{}
	b.input("images", in, 1, 3, side, side)
	boxes, scores := blank("boxes", 1, 4, 4), blank("scores", 1, 3, 4)
	for i, s := range twice(objects(functions.PlaceCentred)) {
		at := boxes.fixed[4*i:]
		if at[0], at[1], at[2], at[3] = s.y1, s.x1, s.y2, s.x2; centred == 1 {
			at[0], at[1], at[2], at[3] = s.centre()
		}
		scores.scores[4*s.class+i] = s.score
	}
	flat := b.node("Reshape", "", []string{b.cast("images", "", "float32"), b.ints([]int64{-1}, 1)})
	value := b.node("Gather", "", []string{flat, b.ints([]int64{20*side + side/2}, 1)})
	first := float32(rgb)
	if in == "uint8" {
		first = 200
	}
	share := b.node("Div", "", []string{value, b.floats([]float32{first}, 1)})
	confidence := b.node("Mul", "", []string{b.floats(scores.scores, 1, 3, 4), share})
	places := b.floats(boxes.fixed, 1, 4, 4)
	b.node("NonMaxSuppression", "selected_indices", []string{
		places, confidence, b.ints([]int64{100}, 1), b.floats([]float32{0.5}, 1), b.floats([]float32{0.05}, 1),
	}, attribute{"center_point_box", centred})
	b.cast(places, "boxes", out)
	b.cast(confidence, "scores", out)
	b.output("selected_indices", "int64", -1, 3)
	b.output("boxes", out, 1, 4, 4)
	b.output("scores", out, 1, 3, 4)
	return b.file()
}
