package detector

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// FuzzBoxes reads outputs of any shape and content: whatever a network says, what
// is answered is finite, inside the picture, and scores what was asked for.
func FuzzBoxes(f *testing.F) {
	bytes := littleEndian(1, 2, 30, 40, 0.9, 3, float32(math.NaN()), 0, float32(math.Inf(1)), 5, 0.8, 1e30)
	f.Add(uint8(1), int64(1), int64(6), int64(2), 0.25, uint16(640), uint16(480), bytes)
	f.Add(uint8(2), int64(1), int64(2), int64(6), 0.0, uint16(1), uint16(1), bytes)
	f.Add(uint8(3), int64(1), int64(21), int64(6), 1.0, uint16(5000), uint16(1), make([]byte, 21*6*4))
	f.Add(uint8(4), int64(1), int64(2), int64(6), 0.5, uint16(3), uint16(700), bytes)
	f.Add(uint8(1), int64(1<<40), int64(1<<40), int64(-1), 0.5, uint16(3), uint16(7), bytes)
	f.Add(uint8(0), int64(1), int64(2), int64(6), 0.25, uint16(640), uint16(480), bytes)
	// Two labels, two scores, two boxes; or two boxes and twice two logits.
	queries := littleEndian(0, 0, 0.9, 0.8, 1, 2, 30, 40, 5, 6, 7, 8)
	f.Add(uint8(5), int64(1), int64(2), int64(0), 0.25, uint16(640), uint16(480), queries)
	f.Add(uint8(6), int64(1), int64(2), int64(2), 0.25, uint16(640), uint16(480), queries)

	for which := range len(functions.Families) {
		f.Add(uint8(which), int64(1), int64(2), int64(6), 0.25, uint16(640), uint16(480), bytes)
		f.Add(uint8(which), int64(2), int64(7), int64(1), 0.25, uint16(640), uint16(480), queries)
	}

	var detectors []*Detector
	for _, family := range functions.Families {
		detectors = append(detectors, newDetector(f, Options{
			Family: family, InputSize: 32, Labels: []string{"one"}, Thresholds: functions.Thresholds{MaxDetections: 10},
		}))
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b, c int64, minScore float64, width, height uint16, content []byte) {
		d := detectors[int(which)%len(detectors)]
		lowest, err := d.lowest(functions.Parameters{MinScore: &minScore})
		if err != nil {
			return
		}
		data := make([]float32, len(content)/4)
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
		}
		picture := functions.Picture{Width: 1 + int(width), Height: 1 + int(height)}
		letterbox := vision.NewLetterbox(picture, 32, d.family.layout.Place)
		found, err := d.read(fuzzed(d.options.Family, a, b, c, data), lowest, letterbox)
		if err != nil {
			return
		}
		if len(found) > 10 {
			t.Fatalf("%d detections, at most 10 are wanted", len(found))
		}
		last := float32(1)
		for _, g := range found {
			if !(g.Score >= lowest && g.Score <= last) || g.ClassID < 0 || g.Class == "" {
				t.Fatalf("%+v after a score of %v, at least %v is wanted", g, last, lowest)
			}
			last = g.Score
			box := g.Box
			if !(box.X1 >= 0 && box.Y1 >= 0 && box.X1 < box.X2 && box.Y1 < box.Y2 &&
				box.X2 <= float32(picture.Width) && box.Y2 <= float32(picture.Height)) {
				t.Fatalf("%+v is not in %dx%d", box, picture.Width, picture.Height)
			}
		}
	})
}

func littleEndian(row ...float32) []byte {
	var bytes []byte
	for _, v := range row {
		bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
	}
	return bytes
}

// fuzzed are outputs of data: one, or as many as the family reads, [a, b, c] being
// the first's shape.
func fuzzed(family functions.Family, a, b, c int64, data []float32) []Tensor {
	// share is the first n of what is left, or all of it.
	share := func(n int64) []float32 {
		n = min(max(n, 0), int64(len(data)))
		part := data[:n]
		data = data[n:]
		return part
	}
	switch family {
	case functions.FamilyDETR:
		// The labels' values come from the data's bits.
		labels := make([]int64, 0, len(data))
		for _, v := range share(b) {
			labels = append(labels, int64(int32(math.Float32bits(v))))
		}
		return []Tensor{
			{Shape: []int64{a, b}, Ints: labels},
			{Shape: []int64{a, b}, Data: share(b)},
			{Shape: []int64{a, b, 4 + c}, Data: share(4 * min(b, 1<<20))},
		}
	case functions.FamilySSD, functions.FamilyTFOD, functions.FamilyEfficientNMS, functions.FamilyNMSIndices:
		// Whole numbers and fractions of many shapes, as the content has it.
		whole := make([]int64, 0, len(data))
		for _, v := range share(3 * b) {
			whole = append(whole, int64(int32(math.Float32bits(v))))
		}
		return []Tensor{
			{Name: "num_dets", Shape: []int64{1, 1}, Ints: whole[:min(1, len(whole))]},
			{Name: "labels", Shape: []int64{a, b}, Ints: whole[:min(max(b, 0), int64(len(whole)))]},
			{Name: "indices", Shape: []int64{b, 3}, Ints: whole},
			{Name: "scores", Shape: []int64{a, b}, Data: share(b)},
			{Name: "places", Shape: []int64{1, c, b}, Data: share(min(c, 1<<10) * min(b, 1<<10))},
			{Name: "boxes", Shape: []int64{a, b, 4}, Data: data},
		}
	case functions.FamilyYOLOv7E2E, functions.FamilyPaddle:
		return []Tensor{{Shape: []int64{b, c}, Data: data}}
	case functions.FamilyDETRRaw, functions.FamilyDETRSoftmax:
		return []Tensor{
			{Shape: []int64{a, b, 4}, Data: share(4 * min(b, 1<<20))},
			{Shape: []int64{a, b, c}, Data: data},
		}
	}
	return []Tensor{{Shape: []int64{a, b, c}, Data: data}}
}
