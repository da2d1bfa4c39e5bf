package house_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

func TestShippedYAMLParses(t *testing.T) {
	seen := 0
	for _, name := range tree(t) {
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			continue
		}
		if strings.HasPrefix(name, "config/helm/saccade/templates/") {
			continue // templates of YAML, which tools/charts renders
		}
		seen++
		if err := yamlFault(readFile(t, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if seen == 0 {
		t.Error("found no YAML: the search is at fault")
	}
}

// yamlFault reads every document of a file.
func yamlFault(text string) error {
	docs := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc any
		if err := docs.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestEveryShippedFunctionCanBeServed(t *testing.T) {
	entries, broken := catalog.New(functions.Shipped).Load()
	for _, b := range broken {
		t.Errorf("%s: %v", b.Path, b.Err)
	}
	var served []string
	for _, entry := range entries {
		served = append(served, entry.Function.Metadata.Name)
	}
	folders, err := filepath.Glob("functions/*/function.yaml")
	if err != nil || len(folders) == 0 {
		t.Fatalf("found no function: %v", err)
	}
	for _, file := range folders {
		if name := filepath.Base(filepath.Dir(file)); !slices.Contains(served, name) {
			t.Errorf("%s is there, and %q is not among the shipped functions %q", file, name, served)
		}
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, name := range tree(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, fault := range linkFaults(path.Dir(name), readFile(t, name)) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```[^\n]*$")
	inCode  = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(<?([^)\s>]+)|(?:src|href)="([^"]+)"`)
	beyond  = regexp.MustCompile(`^[a-z][a-z+.-]*:`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?)\s*$`)
	silent  = regexp.MustCompile(`[^\p{L}\p{N}\s_-]`)
)

// linkFaults follows the links of a Markdown text that lies in dir to files and
// headings of the repository. What lies beyond it is not asked for.
func linkFaults(dir, text string) []string {
	var faults []string
	prose := inCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), "")
	for _, match := range link.FindAllStringSubmatch(prose, -1) {
		target := match[1] + match[2]
		if beyond.MatchString(target) {
			continue
		}
		file, anchor, _ := strings.Cut(target, "#")
		page := text
		if file != "" {
			file = path.Join(dir, file)
			if _, err := os.Stat(file); err != nil {
				faults = append(faults, fmt.Sprintf("the link to %s leads nowhere", target))
				continue
			}
			content, _ := os.ReadFile(file) // a folder has no headings
			page = string(content)
		}
		if anchor != "" && path.Ext(file) != ".go" && !slices.Contains(anchors(page), anchor) {
			faults = append(faults, fmt.Sprintf("the link to %s names no heading there", target))
		}
	}
	return faults
}

// anchors are the headings of a page as addresses spell them.
func anchors(page string) []string {
	var all []string
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		text := silent.ReplaceAllString(strings.ToLower(match[1]), "")
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	return all
}

func TestTheProductsModuleStaysLean(t *testing.T) {
	for _, fault := range leanFaults(readFile(t, "go.mod")) {
		t.Error("go.mod " + fault)
	}
}

// leanFaults looks for what is for building Saccade rather than for running it:
// that has its place in the modules under tools/.
func leanFaults(mod string) []string {
	var faults []string
	for line := range strings.Lines(mod) {
		words := strings.Fields(line)
		if len(words) > 0 && slices.Contains([]string{"tool", "replace"}, words[0]) {
			faults = append(faults, "has a "+words[0]+" directive")
		}
		for _, tool := range []string{"honnef.co/go/tools", "mvdan.cc/gofumpt", "github.com/go-task/", "github.com/golangci/"} {
			if strings.Contains(line, tool) {
				faults = append(faults, "requires "+tool)
			}
		}
	}
	return faults
}

func TestTheFileTruthsSeeFaults(t *testing.T) {
	links := func(text string) func() string {
		return func() string { return strings.Join(linkFaults("docs", text), "\n") }
	}
	lean := func(text string) func() string {
		return func() string { return strings.Join(leanFaults(text), "\n") }
	}
	parses := func(text string) func() string {
		return func() string { return fmt.Sprint(yamlFault(text)) }
	}
	const none = "<nil>"
	tests := []struct {
		name  string
		truth func() string
		fault string
	}{
		{"YAML of two documents", parses("a: 1\n---\nb: 2\n"), none},
		{"a second document that does not parse", parses("a: 1\n---\nb: [\n"), "yaml:"},
		{"a key said twice", parses("a: 1\na: 2\n"), "already defined"},
		{"a link to a file that is there", links("[the licence](../LICENSE)"), ""},
		{"a link to a file that is not", links("[the plan](../PLAN)"), "../PLAN leads nowhere"},
		{"a picture that is not there", links(`<img src="gone.png">`), "gone.png leads nowhere"},
		{"a link beyond the repository", links("[Go](https://go.dev) [mail](mailto:a@b.c)"), ""},
		{"a link inside code is no link", links("`[a](b)`\n\n```\n[a](b)\n```\n"), ""},
		{"a link to a heading", links("# A `b`, c!\n[up](#a-b-c)"), ""},
		{"a link to a heading of another page that is not there", links("[kinds](problems.md#nonesuch)"), "names no heading"},
		{"a go.mod with a tool", lean("tool example.org/x\n"), "tool directive"},
		{"a go.mod with a linter", lean("require honnef.co/go/tools v0.8.2\n"), "requires honnef.co"},
		{"a lean go.mod", lean("require go.yaml.in/yaml/v3 v3.0.6\n"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fault := test.truth()
			if test.fault == "" && fault != "" || !strings.Contains(fault, test.fault) {
				t.Errorf("fault = %q; want %q", fault, test.fault)
			}
		})
	}
}
