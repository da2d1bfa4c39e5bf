package oip

import (
	"context"
	"net/http"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// pictureInput is what a model takes: the bytes of one encoded picture.
var pictureInput = tensorHead{Name: "image", Datatype: bytess, Shape: []int64{1}}

// pictureOutputs are what it gives, N the number of detections, best first:
//
//	boxes       FP32  [N, 4]  x1, y1, x2, y2 in pixels of the upright picture
//	scores      FP32  [N]     0 to 1
//	class_ids   INT64 [N]
//	labels      BYTES [N]     class names, UTF-8
//	image_size  INT64 [2]     width and height of the upright picture
func pictureOutputs() []tensorHead {
	return []tensorHead{
		{"boxes", fp32, []int64{-1, 4}},
		{"scores", fp32, []int64{-1}},
		{"class_ids", int64s, []int64{-1}},
		{"labels", bytess, []int64{-1}},
		{"image_size", int64s, []int64{2}},
	}
}

// inferPicture looks at the picture in r.
func inferPicture(ctx context.Context, header http.Header, m Model, r *request, ask functions.Parameters) ([]tensor, error) {
	chosen, err := r.choose(pictureOutputs())
	if err != nil {
		return nil, err
	}
	data, err := r.picture(m.Name)
	if err != nil {
		return nil, err
	}
	answer, err := m.Server.Detect(ctx, header, data, ask)
	if err != nil {
		return nil, err
	}
	all := tensorsOf(answer)
	outputs := make([]tensor, len(chosen))
	for i, at := range chosen {
		outputs[i] = all[at]
	}
	return outputs, nil
}

// picture is the one value of the one input.
func (r *request) picture(model string) ([]byte, error) {
	if len(r.inputs) != 1 || r.inputs[0].Name != pictureInput.Name || r.inputs[0].Datatype != bytess {
		return nil, functions.Errorf(functions.Invalid,
			"model %q takes one input, %s %s [1]: the bytes of an encoded picture; %s%s takes tensors",
			model, pictureInput.Name, bytess, model, rawSuffix)
	}
	in := r.inputs[0]
	n, err := count(in.Name, in.Shape, 1)
	if err != nil || n != 1 {
		return nil, functions.Errorf(functions.Invalid, "input %q takes one picture, a shape of [1]", in.Name)
	}
	texts, err := in.values.texts(1)
	if err != nil {
		return nil, about(in.Name, err)
	}
	return texts[0], nil
}

// tensorsOf are the detections in the order of pictureOutputs.
func tensorsOf(a functions.Answer) []tensor {
	n := int64(len(a.Detections))
	heads := pictureOutputs()
	all := make([]tensor, len(heads))
	for i, head := range heads {
		if head.Shape[0] < 0 {
			head.Shape[0] = n
		}
		all[i].tensorHead = head
	}
	boxes, scores, classes, labels, size := &all[0], &all[1], &all[2], &all[3], &all[4]
	for _, found := range a.Detections {
		boxes.floats = append(boxes.floats, found.Box.X1, found.Box.Y1, found.Box.X2, found.Box.Y2)
		scores.floats = append(scores.floats, found.Score)
		classes.ints = append(classes.ints, int64(found.ClassID))
		labels.texts = append(labels.texts, []byte(found.Class))
	}
	size.ints = []int64{int64(a.Picture.Width), int64(a.Picture.Height)}
	return all
}

// names lists tensors for a message.
func names(of []tensorHead) string {
	list := make([]string, len(of))
	for i, head := range of {
		list[i] = head.Name
	}
	return strings.Join(list, ", ")
}
