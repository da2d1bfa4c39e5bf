package catalog

import (
	"encoding/json"
	"fmt"

	"github.com/seed45885407/saccade/functions"
)

// beside is a file that a function.yaml names, in its own folder.
type beside struct {
	// name is empty where there is none to read; field is what names it.
	name, field string
	// take reads the file's content; shown is how messages name it.
	take func(content []byte, shown string) error
}

// labelsFile is read where the labels are not in function.yaml itself.
func labelsFile(f *functions.Function) beside {
	model := &f.Spec.Model
	file := beside{name: model.LabelsFile, field: "spec.model.labelsFile"}
	if len(model.Labels) > 0 {
		file.name = ""
	}
	file.take = func(content []byte, shown string) (err error) {
		model.Labels, err = parseLabels(content, shown)
		return err
	}
	return file
}

// referenceFile is what drift is measured from.
func referenceFile(f *functions.Function) beside {
	drift := &f.Spec.Drift
	return beside{name: drift.ReferenceFile, field: "spec.drift.referenceFile", take: func(content []byte, shown string) error {
		var recorded functions.DriftReference
		if err := json.Unmarshal(content, &recorded); err != nil {
			return fmt.Errorf("%s: is not a reference as /drift/reference answers it: %w", shown, err)
		}
		if err := recorded.Check(); err != nil {
			return fmt.Errorf("%s: %w", shown, err)
		}
		drift.Recorded = &recorded
		return nil
	}}
}
