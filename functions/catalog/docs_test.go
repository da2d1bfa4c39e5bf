package catalog_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

const guide = "../../docs/functions.md"

// The table of fields in the guide tells each field once, in order, with the
// default and the bounds the code has. Where the default is worked out, the guide
// says how in words of its own.
func TestTheGuideTellsEveryField(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var got [][3]string
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-zA-Z0-9.]+)` \\| (.*?) \\| (?:(.*?) )?\\| (.+?) \\|$").FindAllStringSubmatch(string(text), -1) {
		got = append(got, [3]string{row[1], row[2], row[3]})
		said[row[1]] = row[2]
	}
	rules := catalog.Rules()
	var want [][3]string
	for _, f := range catalog.Fields() {
		value := said[f.Path]
		switch {
		case f.Default != "":
			value = "`" + f.Default + "`"
		case rules[f.Path].Required:
			value = "required"
		case value == "" || strings.HasPrefix(value, "`"):
			value = "(words)"
		}
		want = append(want, [3]string{f.Path, value, rules[f.Path].String()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -code +guide\n%s", guide, diff)
	}
}

// The examples in the guide are what they say: a whole function.yaml is valid,
// and so is a piece of one put into the smallest.
func TestTheGuidesExamplesAreValid(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) < 3 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, example := range examples {
		content := example[1]
		if !strings.HasPrefix(content, "apiVersion") {
			content = strings.Replace(minimal, "spec:\n  model:\n    uri: m.onnx\n", content, 1)
		}
		if _, err := catalog.Read(folder("function.yaml", content, "labels.txt", "person\n"), "."); err != nil {
			t.Errorf("%v\n%s", err, content)
		}
	}
}

func TestTheGuideNamesEveryShippedFunction(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := catalog.New(functions.Shipped).Load()
	for _, e := range entries {
		row := "| `" + e.Function.Metadata.Name + "` | " + e.Function.Spec.Model.Licence + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("the guide has no row that starts with %s", row)
		}
	}
}
