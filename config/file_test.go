package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, text string) (Saccade, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "saccade.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Default()
	return c, c.Load(path)
}

func TestAFileSaysOnlyWhatItNames(t *testing.T) {
	c, err := load(t, "drain: 5s\nprices: {cpuSecond: 2}\njobs: {keepFor: 2h}\n")
	want := Default()
	want.Drain, want.Prices.CPUSecond, want.Jobs.KeepFor = 5*time.Second, 2, 2*time.Hour
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := load(t, ""); err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("an empty file: %+v, %v", c, err)
	}
}

func TestAFileThatSaysWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a field that there is not":    "prot: 1",
		"one further in":               "access: {opne: true}",
		"one of a source":              "sources: [{kind: folder, name: a, path: /tmp, colour: red}]",
		"a duration without a unit":    "drain: soon",
		"two documents":                "drain: 5s\n---\ndrain: 6s",
		"a field named twice":          "drain: 5s\ndrain: 6s",
		"more than a file may have":    "# " + strings.Repeat("x", maxFile),
		"a list in a list in a list …": strings.Repeat("[", 20_000),
	} {
		if c, err := load(t, text); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestThePageNamesEveryFieldAndItsExampleIsSound(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[Saccade]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("%s is %q in YAML, which docs/configuration.md does not name", field.Name, name)
		}
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	c, err := load(t, string(example[1]))
	if err != nil {
		t.Fatal(err)
	}
	// Those are not on this machine.
	c.Functions, c.Access.KeysFile, c.Access.TLS.CertFile, c.Access.TLS.KeyFile = nil, "", "", ""
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
