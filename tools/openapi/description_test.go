package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
)

// document is the description, as JSON has it.
type document struct {
	root map[string]any
}

// scopes are what an operation needs, none for one that is open to everybody.
func (o operation) scopes() []string {
	for _, way := range o.Security {
		if scopes, ok := way["bearer"]; ok {
			return scopes
		}
	}
	return nil
}

// operation is one operation of the description, references resolved.
type operation struct {
	ID           string `json:"operationId"`
	method, path string
	Parameters   []parameter `json:"parameters"`
	// Security has the scopes by scheme, for each way to come in.
	Security []map[string][]string `json:"security"`
	Body     struct {
		Content map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]media `json:"content"`
	} `json:"responses"`
}

type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
	Example  any    `json:"example"`
}

type media struct {
	Examples map[string]struct {
		Value         any    `json:"value"`
		ExternalValue string `json:"externalValue"`
	} `json:"examples"`
}

func readDocument(t *testing.T, text []byte) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// resolve follows the reference that node is, where it is one.
func (d document) resolve(node any) any {
	object, _ := node.(map[string]any)
	ref, isRef := object["$ref"].(string)
	if !isRef {
		return node
	}
	var at any = d.root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		within, _ := at.(map[string]any)
		at = within[step]
	}
	return at
}

// operations are all of them, by path and method.
func (d document) operations(t *testing.T) []operation {
	t.Helper()
	var all []operation
	paths := d.root["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			if method != "parameters" {
				all = append(all, d.operation(t, path, method, item))
			}
		}
	}
	return all
}

func (d document) operation(t *testing.T, path, method string, item map[string]any) operation {
	t.Helper()
	raw := maps.Clone(item[method].(map[string]any))
	ofPath, _ := item["parameters"].([]any)
	own, _ := raw["parameters"].([]any)
	parameters := []any{}
	for _, p := range slices.Concat(ofPath, own) {
		parameters = append(parameters, d.resolve(p))
	}
	raw["parameters"] = parameters
	if body, there := raw["requestBody"]; there {
		raw["requestBody"] = d.resolve(body)
	}
	responses := map[string]any{}
	for status, response := range raw["responses"].(map[string]any) {
		responses[status] = d.resolve(response)
	}
	raw["responses"] = responses
	text, err := json.Marshal(raw)
	o := operation{method: strings.ToUpper(method), path: path}
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return o
}

// strict closes every object that has properties, so that one which is not described
// is a fault: callers are told to expect new ones, the gateway's own tests are not.
func strict(node any) any {
	switch node := node.(type) {
	case []any:
		closed := make([]any, len(node))
		for i, item := range node {
			closed[i] = strict(item)
		}
		return closed
	case map[string]any:
		closed := map[string]any{}
		for name, value := range node {
			if name == "example" || name == "examples" || name == "const" || name == "enum" {
				closed[name] = value // no schema, whatever it looks like
				continue
			}
			closed[name] = strict(value)
		}
		_, isObject := node["properties"].(map[string]any)
		if _, said := node["additionalProperties"]; isObject && !said && node["type"] == "object" {
			closed["additionalProperties"] = false
		}
		return closed
	}
	return node
}

// strictValidator is one that takes nothing which is not described.
func strictValidator(t *testing.T, d document) validator.Validator {
	t.Helper()
	text, err := json.Marshal(strict(d.root))
	if err != nil {
		t.Fatal(err)
	}
	read, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(read, config.WithFormatAssertions(), config.WithStrictMode(),
		// Bodies are strict already; the mode does not know additionalProperties.
		config.WithStrictIgnorePaths("$.body.**"),
		// What the client and the server add by themselves, and the credential, which is
		// described as a security scheme.
		config.WithStrictIgnoredHeadersExtra("X-API-Key"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		t.Fatal(told(faults))
	}
	return v
}
