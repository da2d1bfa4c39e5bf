package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Field is one field of function.yaml that holds a value rather than fields.
type Field struct {
	// Path is how messages name it: spec.thresholds.minScore.
	Path string
	// Type is what it holds.
	Type reflect.Type
	// Default is the value it has when left out, as function.yaml would say it;
	// empty where that depends on the model or the machine, or is nothing.
	Default string
}

// Fields are all fields in the order of their declaration.
func Fields() []Field {
	// These defaults are worked out from the number of CPUs.
	varies := map[string]bool{
		"spec.runtime.parallel": true, "spec.scaling.containerConcurrency": true, "spec.scaling.target": true,
	}
	var fields []Field
	complete := functions.Function{}.WithDefaults()
	leaves("", reflect.ValueOf(complete), func(path string, v reflect.Value) {
		f := Field{Path: path, Type: v.Type()}
		if !v.IsZero() && !varies[path] {
			f.Default = text(v)
		}
		fields = append(fields, f)
	})
	return fields
}

// leaves calls each for every field of the struct v that holds a value.
func leaves(path string, v reflect.Value, each func(path string, v reflect.Value)) {
	if v.Kind() != reflect.Struct {
		each(path, v)
		return
	}
	for i := range v.NumField() {
		if name := jsonName(v.Type().Field(i)); name != unsaid {
			leaves(join(path, name), v.Field(i), each)
		}
	}
}

// unsaid is the name of what is no field of function.yaml but read from another file.
const unsaid = "-"

// jsonName is the name of a field in function.yaml.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// text is a value as function.yaml would say it.
func text(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		return text(v.Elem())
	}
	switch x := v.Interface().(type) {
	case functions.Duration:
		return short(time.Duration(x))
	case float64:
		return number(x)
	case []float64:
		shown := make([]string, len(x))
		for i, v := range x {
			shown[i] = number(v)
		}
		return "[" + strings.Join(shown, ", ") + "]"
	case []string:
		return "[" + strings.Join(x, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}
