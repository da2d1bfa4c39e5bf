package catalog

import (
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// validateModel holds what the model's fields say together against the family,
// where one is named; the rest only the model file can tell.
func (found *faults) validateModel(m functions.Model) {
	manner, known := m.Family.Manner()
	if !known {
		return
	}
	if manner.Grid && m.InputSize%32 != 0 && !found.has("spec.model.inputSize") {
		// 32 is the coarsest stride: another side does not come out even at the last
		// feature map.
		found.at("spec.model.inputSize", "%d is not a multiple of 32, as family %s needs it", m.InputSize, m.Family)
	}
	for path, said := range map[string]string{
		"spec.model.read.corners": m.Read.Corners, "spec.model.read.unit": m.Read.Unit,
	} {
		if said != "" && !manner.Choice && !found.has(path) {
			found.at(path, "family %s reads its boxes one way; %s have a choice", m.Family, choosers())
		}
	}
	if place := m.Feed.Over(manner.Feed).Place; place == functions.PlaceStretched && m.Feed.Pad != nil && !found.has("spec.model.feed.pad") {
		found.at("spec.model.feed.pad", "is seen by nobody: the picture is stretched over all of the input")
	}
}

// choosers are the families whose boxes function.yaml may describe.
func choosers() string {
	var names []string
	for _, f := range functions.Families {
		if m, _ := f.Manner(); m.Choice {
			names = append(names, string(f))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
