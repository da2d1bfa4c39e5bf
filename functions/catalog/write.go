package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
)

// SchemaURL is where editors find the JSON Schema of function.yaml.
const SchemaURL = "https://raw.githubusercontent.com/seed45885407/saccade/main/functions/function.schema.json"

const (
	unpinned = "No sha256: the file seen first is pinned in the model store's models.lock.json.\n" +
		"Give sha256 to fix the file here, for everyone."
	more = "thresholds, runtime, scaling and resources have defaults that suit a CPU;\n" +
		"docs/functions.md has them all."
)

// Write writes f as function.yaml into folder, the function's own, which is made
// where it is missing and must be called like the function. Fields that are zero
// are left out. It refuses what Validate refuses, and to replace a file.
func Write(folder string, f functions.Function) error {
	if err := Validate(f); err != nil {
		return fmt.Errorf("writing function: %w", err)
	}
	if got := filepath.Base(folder); got != f.Metadata.Name {
		return fmt.Errorf("writing function: folder %q is not called like its function, %q", got, f.Metadata.Name)
	}
	content, err := format(f)
	if err != nil {
		return fmt.Errorf("writing function: %w", err)
	}
	if err := place(filepath.Join(folder, FileName), content); err != nil {
		return fmt.Errorf("writing function: %w", err)
	}
	return nil
}

// place makes the file with all its content at once: a catalog that is loaded
// meanwhile sees none or all of it. Link, unlike Rename, replaces nothing.
func place(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(file), "."+FileName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Chmod(0o644), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), file); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: %w", file, fs.ErrExist)
	} else if err != nil {
		return err
	}
	return nil
}

// format is f as the text of a function.yaml.
func format(f functions.Function) ([]byte, error) {
	if f.Spec.Model.LabelsFile != "" {
		f.Spec.Model.Labels = nil // they were read from it
	}
	root := node("", reflect.ValueOf(f), f.Spec.Model.SHA256 == "")
	var out bytes.Buffer
	out.WriteString("# yaml-language-server: $schema=" + SchemaURL + "\n")
	if err := encode(&out, root); err != nil {
		return nil, err
	}
	for line := range bytes.Lines([]byte(more)) {
		out.WriteString("# ")
		out.Write(line)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Text is f as a function.yaml without remarks, for programs to read. Fields that are
// zero are left out. It refuses what Validate refuses.
func Text(f functions.Function) ([]byte, error) {
	if err := Validate(f); err != nil {
		return nil, fmt.Errorf("writing function: %w", err)
	}
	var out bytes.Buffer
	if err := encode(&out, node("", reflect.ValueOf(f), false)); err != nil {
		return nil, fmt.Errorf("writing function: %w", err)
	}
	return out.Bytes(), nil
}

func encode(out *bytes.Buffer, root *yaml.Node) error {
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	return errors.Join(enc.Encode(root), enc.Close())
}

// node is the YAML of v, fields that are zero left out.
func node(path string, v reflect.Value, pinnedLater bool) *yaml.Node {
	v = reflect.Indirect(v)
	if v.Kind() != reflect.Struct {
		var n yaml.Node
		if v.Type() == reflect.TypeFor[functions.Duration]() {
			n.SetString(text(v))
		} else if err := n.Encode(v.Interface()); err != nil {
			panic(err) // numbers, texts and lists of texts are always encodable
		}
		if v.Kind() == reflect.Slice && v.Len() <= 8 {
			n.Style = yaml.FlowStyle
		}
		return &n
	}
	mapping := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name := jsonName(v.Type().Field(i))
		if v.Field(i).IsZero() || name == unsaid {
			continue
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
		value := node(join(path, name), v.Field(i), pinnedLater)
		mapping.Content = append(mapping.Content, key, value)
		if path == "spec.model" && name == "uri" && pinnedLater {
			key.HeadComment = unpinned
		}
	}
	return mapping
}
