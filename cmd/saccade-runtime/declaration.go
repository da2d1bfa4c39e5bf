package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

// declaration is a function with the file of its model.
type declaration struct {
	function functions.Function
	model    string
	sum      string // that the model must have; empty: any
}

// declaration finds the model and reads what is declared of it. Platforms that
// bring models alone say nothing of them: all is then read off the graph.
func (c config) declaration() (declaration, error) {
	if c.store {
		d, err := c.stored()
		if c.name != "" {
			d.function.Metadata.Name = c.name
		}
		d.function = c.complete(withCores(d.function))
		return d, err
	}
	model, err := onlyModel(c.model)
	if err != nil {
		return declaration{}, err
	}
	d := declaration{model: model, sum: c.modelSum}
	file := c.function
	if file == "" {
		file = c.beside(model)
	}
	if file == "" {
		d.function.APIVersion, d.function.Kind = functions.APIVersion, functions.KindFunction
		d.function.Metadata.Name = named(model)
	} else if d.function, err = catalog.ReadFile(file); err != nil {
		return declaration{}, functions.Errorf(functions.Unavailable, "the function's declaration cannot be read").Because(err)
	} else if c.function == "" && d.sum == "" {
		d.sum = d.function.Spec.Model.SHA256 // it lies beside the model that it means
	}
	if c.name != "" {
		d.function.Metadata.Name = c.name
	}
	d.function = c.complete(withCores(d.function))
	return d, nil
}

// onlyModel is path itself, or where that is a folder, the one ONNX file in it: at
// its top, else one folder further down, else two, as object stores are laid out.
func onlyModel(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, nil // what is not there is refused when it is read
	}
	for _, pattern := range []string{"*.onnx", "*/*.onnx", "*/*/*.onnx"} {
		files, err := filepath.Glob(filepath.Join(escape(path), pattern))
		switch {
		case err != nil:
			return "", err
		case len(files) == 1:
			return files[0], nil
		case len(files) > 1:
			return "", functions.Errorf(functions.Unavailable,
				"the model's folder holds %d ONNX files, and one is served; --model names it", len(files))
		}
	}
	return "", functions.Errorf(functions.Unavailable, "the model's folder holds no ONNX file")
}

// escape lets Glob read a path as it is.
func escape(path string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(path, `\$0`)
}

// beside is the function.yaml next to the model file, or at the top of the folder
// that was named; empty where there is none. One in the folder of --models would
// speak of all the files there, and speaks of none.
func (c config) beside(model string) string {
	for _, folder := range []string{filepath.Dir(model), c.model} {
		file := filepath.Join(folder, catalog.FileName)
		if c.models != "" && filepath.Clean(folder) == filepath.Clean(c.models) {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

var unnamed = regexp.MustCompile(`[^a-z0-9]+`)

// named makes a function's name of a file's: a DNS label of at most 52 characters.
func named(model string) string {
	stem := strings.ToLower(strings.TrimSuffix(filepath.Base(model), ".onnx"))
	name := strings.Trim(unnamed.ReplaceAllString(stem, "-"), "-")
	name = strings.Trim(name[:min(len(name), 52)], "-")
	if name == "" {
		return "model"
	}
	return name
}
