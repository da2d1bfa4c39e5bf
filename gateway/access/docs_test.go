package access

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// docs/access.md shows every option there is, and none that there is not.
func TestTheDocumentationShowsEveryOption(t *testing.T) {
	raw, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(raw), -1)
	if len(examples) < 4 {
		t.Fatalf("found %d examples: the search is at fault", len(examples))
	}
	var shown strings.Builder
	for _, example := range examples {
		shown.WriteString(example[1])
		var file struct {
			Access Options `yaml:"access"`
		}
		decoder := yaml.NewDecoder(strings.NewReader(example[1]))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil {
			t.Errorf("%v in\n%s", err, example[1])
		} else if err := file.Access.Check(); err != nil {
			t.Errorf("%v in\n%s", err, example[1])
		}
	}
	for _, name := range fieldNames(reflect.TypeFor[Options]()) {
		if !regexp.MustCompile(`\b` + name + `:`).MatchString(shown.String()) {
			t.Errorf("no example shows %s", name)
		}
	}
}

// fieldNames are the names that a type has in YAML, and those inside.
func fieldNames(typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ.PkgPath() == "time" {
		return nil
	}
	var names []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		names = append(names, fieldNames(field.Type)...)
	}
	return names
}
