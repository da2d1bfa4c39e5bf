package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/costs"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// schema is as much of a JSON Schema as is compared with a Go type.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	OneOf      []schema          `json:"oneOf"`
	Enum       []any             `json:"enum"`
	Examples   []any             `json:"examples"`
}

// typeOf are the schemas with the types whose JSON they describe.
var typeOf = map[string]any{
	"DetectRequest": body{},
	"Reply":         functions.Reply{}, "Picture": functions.Picture{}, "Detection": functions.Detection{}, "Box": functions.Box{},
	"ReplyTiming": functions.ReplyTiming{}, "Start": functions.Start{}, "Annotated": functions.Annotated{}, "Cost": functions.Cost{},
	"Problem":    problem.Problem{},
	"JobReceipt": jobReceipt{}, "Job": jobs.Status{}, "Delivery": jobs.Delivery{}, "JobList": jobList{},
	"FunctionList": functionList{}, "FunctionStatus": functions.FunctionStatus{}, "LastColdStart": functions.LastColdStart{},
	"DriftReport": functions.DriftReport{}, "DriftSignal": functions.DriftSignal{}, "DriftReference": functions.DriftReference{},
	"DecisionList": decisionList{}, "Decision": functions.Decision{},
	"CostReport": costReport{}, "FunctionCost": functions.FunctionCost{}, "SecondsCost": functions.SecondsCost{},
	"MoneyCost": functions.MoneyCost{}, "KeyCost": functions.KeyCost{}, "Prices": costs.Prices{},
}

// untyped are schemas of what no Go type of ours is the JSON of: bytes, forms, and
// CloudEvents, whose attributes are a map.
var untyped = []string{
	"PictureBytes", "DetectForm", "RequestEvent", "AnswerEvent", "DetectedEvent", "AcceptedEvent", "FailedEvent",
}

func TestTheSchemasAreTheTypes(t *testing.T) {
	schemas := readDescription(t).Components.Schemas
	for name, s := range schemas {
		value, typed := typeOf[name]
		switch {
		case name == "JobState":
			if got, want := fmt.Sprint(s.Enum), fmt.Sprint(jobs.States); got != want {
				t.Errorf("JobState is %s; the states are %s", got, want)
			}
		case typed:
			for _, fault := range typeFaults(s, reflect.TypeOf(value), name == "DetectRequest") {
				t.Errorf("%s: %s", name, fault)
			}
		case !slices.Contains(untyped, name):
			t.Errorf("%s is compared with no type", name)
		}
	}
	for name := range typeOf {
		if _, there := schemas[name]; !there {
			t.Errorf("there is no schema %s", name)
		}
	}
}

// typeFaults says where a schema is not the type's JSON: fields that one of them has
// not, or has of another type, or that are there always in the one alone. What must be
// in a request is no question of its type.
func typeFaults(s schema, of reflect.Type, request bool) []string {
	fields := map[string]reflect.StructField{}
	var always []string
	jsonFields(of, false, func(name string, field reflect.StructField, optional bool) {
		fields[name] = field
		if !optional {
			always = append(always, name)
		}
	})
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		property, there := s.Properties[name]
		if !there {
			faults = append(faults, "has no property "+name)
			continue
		}
		if got, want := shapeOf(property), shapeOfType(fields[name].Type); got != want {
			faults = append(faults, fmt.Sprintf("%s is %s; the field is %s", name, got, want))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if _, there := fields[name]; !there {
			faults = append(faults, "has the property "+name+", which is no field")
		}
	}
	slices.Sort(always)
	required := slices.Sorted(slices.Values(s.Required))
	if !request && !slices.Equal(always, required) {
		faults = append(faults, fmt.Sprintf("requires %v; always there are %v", required, always))
	}
	return faults
}

// jsonFields yields the fields of a struct as encoding/json has them. Those of an
// embedded pointer may all be absent.
func jsonFields(of reflect.Type, optional bool, yield func(name string, field reflect.StructField, optional bool)) {
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case field.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			jsonFields(inner, optional || inner != field.Type, yield)
		case name != "-" && field.IsExported():
			if name == "" {
				name = field.Name
			}
			yield(name, field, optional || strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"))
		}
	}
}

// shapeOf is a property in words: the schema it refers to, or its type.
func shapeOf(s schema) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Items != nil:
		return "list of " + shapeOf(*s.Items)
	case s.OneOf != nil:
		return "one of several"
	}
	return fmt.Sprint(s.Type)
}

// shapeOfType is the same of a Go type.
func shapeOfType(of reflect.Type) string {
	if of.Kind() == reflect.Pointer {
		return shapeOfType(of.Elem())
	}
	for name, value := range typeOf {
		if reflect.TypeOf(value) == of {
			return name
		}
	}
	switch of {
	case reflect.TypeFor[jobs.State]():
		return "JobState"
	case reflect.TypeFor[json.RawMessage](): // of a job's result alone
		return "Reply"
	case reflect.TypeFor[time.Time](), reflect.TypeFor[[]byte]():
		return "string"
	case reflect.TypeFor[functions.Millis](), reflect.TypeFor[functions.Seconds]():
		return "number"
	}
	switch kind := of.Kind(); kind {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + shapeOfType(of.Elem())
	case reflect.Map:
		return "object"
	case reflect.Struct: // one that has no name: the forms of a request's picture
		return "one of several"
	default:
		return kind.String()
	}
}

func TestASchemaThatIsNotItsTypeIsSeen(t *testing.T) {
	type inner struct {
		Deep int `json:"deep"`
	}
	type thing struct {
		Name string            `json:"name"`
		Note string            `json:"note,omitempty"`
		Box  functions.Box     `json:"box"`
		Took *functions.Millis `json:"took,omitempty"`
		inner
		*functions.Start
	}
	const good = `{"required":["name","box","deep"],"properties":{"name":{"type":"string"},"note":{"type":"string"},
		"box":{"$ref":"#/components/schemas/Box"},"took":{"type":"number"},"deep":{"type":"integer"},
		"pull":{"type":"number"},"start":{"type":"number"},"load":{"type":"number"},"warmup":{"type":"number"}}}`
	for _, tt := range []struct{ name, old, new, fault string }{
		{"as it is", "", "", ""},
		{"a field is not described", `"note":{"type":"string"},`, "", "has no property note"},
		{"a field of an embedded type is not described", `"deep":{"type":"integer"},`, "", "has no property deep"},
		{"a property is no field", `"took"`, `"taken"`, "has the property taken, which is no field"},
		{"another type", `"took":{"type":"number"}`, `"took":{"type":"string"}`, "took is string; the field is number"},
		{"another schema", "schemas/Box", "schemas/Picture", "box is Picture; the field is Box"},
		{"what may be absent is required", `"deep"]`, `"deep","note"]`, "requires [box deep name note]"},
		{"what is always there is not required", `"name",`, ``, "requires [box deep]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := good
			if tt.old != "" {
				text = strings.Replace(good, tt.old, tt.new, 1)
			}
			var s schema
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatal(err)
			}
			faults := strings.Join(typeFaults(s, reflect.TypeFor[thing](), false), "\n")
			if !strings.Contains(faults, tt.fault) || tt.fault == "" && faults != "" {
				t.Errorf("faults %q; want %q", faults, tt.fault)
			}
		})
	}
}
