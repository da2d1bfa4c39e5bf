package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// modelFolder is where an image with a model has it: the runtime's --model.
const modelFolder = "models"

// model is the topmost layer, so that the functions of a node share all below it.
type model struct {
	part      part
	component component
	// name is the function's, source what its declaration says of where the model comes
	// from.
	name, source string
}

// declared is what is read of a function.yaml.
type declared struct {
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Model struct {
			URI        string `yaml:"uri"`
			SHA256     string `yaml:"sha256"`
			Licence    string `yaml:"licence"`
			Source     string `yaml:"source"`
			LabelsFile string `yaml:"labelsFile"`
		} `yaml:"model"`
		Drift struct {
			ReferenceFile string `yaml:"referenceFile"`
		} `yaml:"drift"`
	} `yaml:"spec"`
}

// modelOf reads the function's folder. The model is the one the user named, else the
// file in the folder that the declaration names, and is refused where its sum is not
// the declared one.
func modelOf(o options) (model, error) {
	declaration := filepath.Join(o.function, "function.yaml")
	text, err := os.ReadFile(declaration)
	if err != nil {
		return model{}, err
	}
	var d declared
	if err := yaml.Unmarshal(text, &d); err != nil {
		return model{}, fmt.Errorf("reading %s: %w", declaration, err)
	}
	onnx := cmp.Or(o.model, filepath.Join(o.function, path.Base(d.Spec.Model.URI)))
	got, err := sum(onnx)
	if errors.Is(err, os.ErrNotExist) && o.model == "" {
		return model{}, fmt.Errorf("the model of %s is not beside it; --model names its file (%w)", declaration, err)
	}
	if err != nil {
		return model{}, err
	}
	if want := d.Spec.Model.SHA256; want != "" && !strings.EqualFold(want, got) {
		return model{}, fmt.Errorf("%s has SHA-256 %s; %s wants %s", onnx, got, declaration, want)
	}
	m := model{
		name: d.Metadata.Name, source: d.Spec.Model.Source,
		part: part{title: "model " + d.Metadata.Name, items: []item{
			copied(modelFolder+"/function.yaml", declaration),
			// The runtime finds the model by this ending, and the declaration beside it.
			copied(modelFolder+"/"+strings.TrimSuffix(filepath.Base(onnx), ".onnx")+".onnx", onnx),
		}},
		component: component{
			name: filepath.Base(onnx), licence: d.Spec.Model.Licence, sha256: got,
			comment: strings.TrimSpace("The model of function " + d.Metadata.Name + ". " + d.Spec.Model.Source),
		},
	}
	for _, beside := range []string{d.Spec.Model.LabelsFile, d.Spec.Drift.ReferenceFile} {
		if beside == "" {
			continue
		}
		if filepath.Base(beside) != beside {
			return model{}, fmt.Errorf("%s names %q, which does not lie beside it", declaration, beside)
		}
		m.part.items = append(m.part.items, copied(modelFolder+"/"+beside, filepath.Join(o.function, beside)))
	}
	return m, nil
}
