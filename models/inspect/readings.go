package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// readings are the ways to read the outputs that come into question: those of
// several outputs are told by all of them at once, each alone is tried for the
// others.
func (r *recognition) readings(declared functions.Family) []func() (match, string) {
	several := map[functions.Family]func() (match, string){
		functions.FamilyDETR: r.detr, functions.FamilyDETRRaw: r.detrRaw, functions.FamilyDETRSoftmax: r.detrRaw,
		functions.FamilySSD: r.ssd, functions.FamilyTFOD: r.tfod, functions.FamilyEfficientNMS: r.efficientNMS,
		functions.FamilyNMSIndices: r.nmsIndices, functions.FamilyYOLOv7E2E: r.yolov7e2e, functions.FamilyPaddle: r.paddle,
	}
	switch {
	case slices.Contains(r.Beside, functions.BesidePicture):
		return []func() (match, string){r.detr}
	case slices.Contains(r.Beside, functions.BesideOnes):
		return []func() (match, string){r.paddle}
	case declared != "" && several[declared] != nil:
		return []func() (match, string){several[declared]}
	case declared == "" && r.namesLogits():
		return []func() (match, string){r.detrRaw}
	case declared == "":
		for _, family := range []functions.Family{
			functions.FamilyTFOD, functions.FamilyEfficientNMS, functions.FamilyNMSIndices, functions.FamilySSD, functions.FamilyYOLOv7E2E,
		} {
			if m, doubt := several[family](); doubt == "" {
				return []func() (match, string){func() (match, string) { return m, "" }}
			}
		}
	}
	var tries []func() (match, string)
	for _, out := range r.model.Outputs {
		shape := r.resolved(out)
		port := Port{Name: out.Name, Type: out.Type, Shape: shape}
		if !port.fraction() || len(shape) != 3 || shape[0] > 1 {
			continue
		}
		tries = append(tries, func() (m match, doubt string) {
			if declared != "" {
				m, doubt = r.asDeclared(out, shape, declared)
			} else {
				m, doubt = r.guess(out, shape)
			}
			m.outputs = []Port{port}
			return m, doubt
		})
	}
	return tries
}

// cellwise tells the three families that have 4 sides, objectness and scores for
// each cell from what the graph does between its last convolutions and the output:
// YOLOX nothing but a sigmoid, YOLOX with its decoding an exponential, and YOLOv6,
// whose sides are distances, a multiplication and no exponential.
func (r *recognition) cellwise(out Tensor, wide int64) (match, string) {
	n := cells(r.InputSize)
	shape := fmt.Sprintf("%v is, for the %d cells of a %d pixel input, 4 sides, objectness and %d scores", out, n, r.InputSize, wide-5)
	if named := len(r.names); named > 0 && int64(named) != wide-5 {
		return r.counted(functions.FamilyYOLOX, wide-5, shape)
	}
	if wide == 4+80 && len(r.names) == 0 {
		return match{}, fmt.Sprintf("%v could be 4 sides, objectness and 79 scores, or 4 sides and COCO's 80", out)
	}
	kinds := r.model.head(out.Name)
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(kind string) bool { return kinds[kind] })
	}
	switch {
	case kinds == nil:
		return match{}, fmt.Sprintf("%v could be of family %s, %s or %s: what the graph does before it does not tell",
			out, functions.FamilyYOLOX, functions.FamilyYOLOXDecoded, functions.FamilyYOLOv6)
	case has("Exp"):
		return r.counted(functions.FamilyYOLOXDecoded, wide-5, shape+"; an exponential before it has decoded the sides")
	case has("Mul", "Div", "Add", "Sub"):
		return r.counted(functions.FamilyYOLOv6, wide-5, shape+"; arithmetic before it has decoded the sides, without an exponential")
	}
	return r.counted(functions.FamilyYOLOX, wide-5, shape+"; nothing before it decodes the sides")
}

// head are the kinds of operation between an output and the convolutions and products
// that come last before it; nil where there are none.
func (m *Model) head(output string) map[string]bool {
	if m.graph == nil {
		return nil
	}
	makers := map[string]int{}
	for i, n := range m.graph.nodes {
		for _, out := range n.outputs {
			makers[out] = i
		}
	}
	kinds, seen, reached := map[string]bool{}, map[int]bool{}, false
	for next := []string{output}; len(next) > 0; {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		i, made := makers[name]
		if !made || seen[i] {
			continue
		}
		seen[i] = true
		n := m.graph.nodes[i]
		if strings.Contains(n.kind, "Conv") || n.kind == "MatMul" || n.kind == "Gemm" {
			reached = true
			continue
		}
		kinds[n.kind] = true
		next = append(next, n.inputs...)
	}
	if !reached {
		return nil
	}
	return kinds
}
