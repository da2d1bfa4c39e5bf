package catalog

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode fills v from the node n, field by field, and writes down where each
// field stands and what does not fit. It follows aliases, which cannot make it
// run long: v's type, not the file, says how deep it goes, and no list but one of
// texts is in it. Merge keys are not part of YAML 1.2 and are refused.
func (found *faults) decode(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		target := *n.Alias
		target.Line = n.Line // where it does not fit is where it is used
		n = &target
	}
	if n.ShortTag() == "!!null" {
		delete(found.lines, path) // "window:" with nothing behind it is a field left out
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		found.duration(path, n, t)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		found.structure(path, n, v)
	case reflect.Map:
		found.textMap(path, n, v)
	case reflect.Slice:
		found.sequence(path, n, v)
	default:
		found.scalar(path, n, v)
	}
}

// structure decodes a mapping whose keys are the fields of the struct v.
func (found *faults) structure(path string, n *yaml.Node, v reflect.Value) {
	if !found.is(path, n, yaml.MappingNode, "a group of fields") {
		return
	}
	var names []string
	for i := range v.NumField() {
		names = append(names, jsonName(v.Type().Field(i)))
	}
	for key, value := range found.pairs(path, n) {
		field := join(path, key.Value)
		if i := slices.Index(names, key.Value); i >= 0 && key.Value != unsaid {
			found.lines[field] = key.Line
			found.decode(field, value, v.Field(i))
			continue
		}
		found.add(key.Line, join(path, quote(key.Value)), "is no field there is%s", meant(key.Value, names))
	}
}

// textMap decodes a mapping from text to text.
func (found *faults) textMap(path string, n *yaml.Node, v reflect.Value) {
	if !found.is(path, n, yaml.MappingNode, "a group of names and values") {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range found.pairs(path, n) {
		field := join(path, quote(key.Value))
		found.lines[field] = key.Line
		item := reflect.New(v.Type().Elem()).Elem()
		found.decode(field, value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	}
}

// pairs are the keys and values of a mapping, each key once.
func (found *faults) pairs(path string, n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			switch first := seen[key.Value]; {
			case key.Kind != yaml.ScalarNode:
				found.add(key.Line, join(path, "?"), "is a field whose name is not text")
			case key.ShortTag() == "!!merge":
				found.add(key.Line, join(path, "<<"), "is a merge key: write the fields out")
			case first > 0:
				found.add(key.Line, join(path, quote(key.Value)), "is there already, in line %d", first)
			default:
				seen[key.Value] = key.Line
				if !yield(key, n.Content[i+1]) {
					return
				}
			}
		}
	}
}

func (found *faults) sequence(path string, n *yaml.Node, v reflect.Value) {
	if !found.is(path, n, yaml.SequenceNode, "a list") {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		field := fmt.Sprintf("%s[%d]", path, i)
		found.lines[field] = item.Line
		if item.ShortTag() == "!!null" {
			found.add(item.Line, field, "is empty")
			continue
		}
		found.decode(field, item, v.Index(i))
	}
}

func (found *faults) scalar(path string, n *yaml.Node, v reflect.Value) {
	tag := n.ShortTag()
	isNumber := tag == "!!int" || tag == "!!float"
	switch v.Kind() {
	case reflect.String:
		if !found.is(path, n, yaml.ScalarNode, "text") {
			return
		}
		if tag != "!!str" && !(isNumber && Rules()[path].Quantity) {
			found.add(n.Line, path, "%s is %s where text belongs: put it in quotes", quote(n.Value), kindOf(n))
			return
		}
		v.SetString(n.Value)
	case reflect.Int:
		var whole int
		if !found.is(path, n, yaml.ScalarNode, "a whole number") {
			return
		}
		if tag != "!!int" || n.Decode(&whole) != nil {
			found.add(n.Line, path, "%s is not a whole number", quote(n.Value))
			return
		}
		v.SetInt(int64(whole))
	case reflect.Float64:
		var f float64
		if !found.is(path, n, yaml.ScalarNode, "a number") {
			return
		}
		if !isNumber || n.Decode(&f) != nil {
			found.add(n.Line, path, "%s is not a number", quote(n.Value))
			return
		}
		v.SetFloat(f)
	}
}

func (found *faults) duration(path string, n *yaml.Node, into encoding.TextUnmarshaler) {
	if !found.is(path, n, yaml.ScalarNode, "a duration such as 90s or 5m") {
		return
	}
	if _, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Value != "0" {
		found.add(n.Line, path, "%s has no unit: write %ss for seconds", quote(n.Value), quote(n.Value))
		return
	}
	if into.UnmarshalText([]byte(n.Value)) != nil {
		found.add(n.Line, path, "%s is not a duration such as 90s, 5m or 1h30m", quote(n.Value))
	}
}

// is says whether n is of the wanted kind, and adds a fault where it is not.
func (found *faults) is(path string, n *yaml.Node, kind yaml.Kind, wanted string) bool {
	if n.Kind == kind {
		return true
	}
	found.add(n.Line, path, "is %s where %s belongs", kindOf(n), wanted)
	return false
}

// kindOf says in words what n is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch tag := n.ShortTag(); tag {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a yes or no"
	case "!!timestamp":
		return "a date"
	default:
		return "a value tagged " + quote(strings.TrimLeft(tag, "!"))
	}
}
