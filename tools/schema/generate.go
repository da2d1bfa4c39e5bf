package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

const module = "github.com/seed45885407/saccade/functions"

// durationPattern is what time.ParseDuration takes, without a sign; the bounds
// of a duration are beyond a JSON Schema and stay with the catalog.
const durationPattern = `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$`

// Generate makes the schema; source is the folder of package functions, whose
// comments become descriptions. The same source makes the same bytes.
func Generate(source string) ([]byte, error) {
	r := &jsonschema.Reflector{
		Anonymous:      true,
		DoNotReference: true, // one tree, so that a field's path leads to its schema
		ExpandedStruct: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == reflect.TypeFor[functions.Duration]() {
				return &jsonschema.Schema{Type: "string", Pattern: durationPattern, Examples: []any{"90s", "5m", "1h30m"}}
			}
			return nil
		},
	}
	if err := addComments(r, source); err != nil {
		return nil, fmt.Errorf("reading comments: %w", err)
	}
	root := r.Reflect(&functions.Function{})
	root.ID = jsonschema.ID(catalog.SchemaURL)
	root.Title = "Saccade function"
	rules := catalog.Rules()
	for _, f := range catalog.Fields() {
		parent, name, err := find(root, f.Path)
		if err != nil {
			return nil, err
		}
		s, _ := parent.Properties.Get(name)
		if err := apply(s, rules[f.Path], f); err != nil {
			return nil, err
		}
		if rules[f.Path].Required {
			require(root, f.Path)
		}
	}
	describe(root)
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, err
	}
	// HTML escapes are for web pages; people read this file.
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	return []byte(plain + "\n"), nil
}

// find walks from root to the object that has the field at path.
func find(root *jsonschema.Schema, path string) (parent *jsonschema.Schema, name string, err error) {
	names := strings.Split(path, ".")
	s := root
	for _, step := range names[:len(names)-1] {
		next, ok := s.Properties.Get(step)
		if !ok {
			return nil, "", fmt.Errorf("%s is not in the schema", path)
		}
		s = next
	}
	name = names[len(names)-1]
	if _, ok := s.Properties.Get(name); !ok {
		return nil, "", fmt.Errorf("%s is not in the schema", path)
	}
	return s, name, nil
}

// require makes the field at path required, and all that it lies in.
func require(root *jsonschema.Schema, path string) {
	s := root
	for step := range strings.SplitSeq(path, ".") {
		if !slices.Contains(s.Required, step) {
			s.Required = append(s.Required, step)
		}
		s, _ = s.Properties.Get(step)
	}
}
