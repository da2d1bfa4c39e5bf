package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
)

// maxBytes bounds a function.yaml and a labels file, each.
const maxBytes = 1 << 20

// ReadFile reads the function.yaml at path and the files it names. Unlike
// in a catalog folder, the function may have another name than its folder.
// Defaults are not applied.
func ReadFile(path string) (functions.Function, error) {
	f, _, err := readAs(os.DirFS(filepath.Dir(path)), filepath.Base(path), path, "")
	return f, err
}

// Read reads the function in the folder dir of fsys. It must be named like that
// folder, unless dir is ".". Defaults are not applied.
func Read(fsys fs.FS, dir string) (functions.Function, error) {
	folder, err := fs.Sub(fsys, dir)
	if err != nil {
		return functions.Function{}, fmt.Errorf("reading function: %w", err)
	}
	name := path.Base(dir)
	if dir == "." {
		name = ""
	}
	f, _, err := read(folder, path.Join(dir, FileName), name)
	return f, err
}

// read reads the function in folder. shown is its file in messages, name the
// one it must have ("": any). It returns the bytes it read too.
func read(folder fs.FS, shown, name string) (functions.Function, [][]byte, error) {
	return readAs(folder, FileName, shown, name)
}

func readAs(folder fs.FS, file, shown, name string) (functions.Function, [][]byte, error) {
	content, err := readBounded(folder, file, shown)
	if err != nil {
		return functions.Function{}, nil, fmt.Errorf("reading function: %w", err)
	}
	f, faults := parse(content, shown)
	if got := f.Metadata.Name; name != "" && got != name && !faults.has("metadata.name") {
		faults.at("metadata.name", "%s is not the name of its folder, %s", quote(got), quote(name))
	}
	if err := faults.err(); err != nil {
		return functions.Function{}, nil, err
	}
	read := [][]byte{content}
	for _, file := range []beside{labelsFile(&f), referenceFile(&f)} {
		if file.name == "" {
			continue
		}
		shown := filepath.Join(filepath.Dir(shown), filepath.FromSlash(file.name))
		content, err := readBounded(folder, file.name, shown)
		if err == nil {
			err = file.take(content, shown)
		}
		if err != nil {
			faults.at(file.field, "%v", err)
			continue
		}
		read = append(read, content)
	}
	if err := faults.err(); err != nil {
		return functions.Function{}, nil, err
	}
	return f, read, nil
}

func readBounded(folder fs.FS, file, shown string) ([]byte, error) {
	r, err := folder.Open(file)
	if err != nil {
		return nil, named(err, shown)
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	switch {
	case err != nil:
		return nil, named(err, shown)
	case len(content) > maxBytes:
		return nil, fmt.Errorf("%s: is larger than %d bytes", shown, maxBytes)
	}
	return content, nil
}

// parse reads the text of a function.yaml. What is wrong with it is in the
// second result.
func parse(content []byte, shown string) (functions.Function, *faults) {
	var f functions.Function
	found := &faults{file: shown, lines: map[string]int{}}
	if found.characters(content); len(found.list) > 0 {
		return f, found
	}
	documents := yaml.NewDecoder(bytes.NewReader(content))
	var doc, second yaml.Node
	switch err := documents.Decode(&doc); {
	case errors.Is(err, io.EOF):
		found.add(0, "", "is empty")
		return f, found
	case err != nil:
		found.syntax(err, content)
		return f, found
	}
	switch err := documents.Decode(&second); {
	case err == nil:
		found.add(second.Line, "", "starts a second document: one file declares one function")
		return f, found
	case !errors.Is(err, io.EOF):
		found.syntax(err, content)
		return f, found
	}
	root := doc.Content[0]
	if root.ShortTag() == "!!null" {
		found.add(0, "", "is empty")
		return f, found
	}
	found.lines[""] = max(1, root.Line)
	found.decode("", root, reflect.ValueOf(&f).Elem())
	found.validate(f)
	return f, found
}

// characters adds the first character that no YAML file holds. The parser would
// find it too, but does not tell the line.
func (found *faults) characters(content []byte) {
	line := 1
	for len(content) > 0 {
		r, size := utf8.DecodeRune(content)
		switch {
		case r == utf8.RuneError && size == 1:
			found.add(line, "", "is not UTF-8")
			return
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			found.add(line, "", "holds the control character %#x", r)
			return
		case r == '\n':
			line++
		}
		content = content[size:]
	}
}

// How the YAML parser words its errors. Those of its grammar count lines from 0,
// those of its scanner from 1, both leave the first line out, and those about
// anchors tell no line at all.
var (
	withLine  = regexp.MustCompile(`^line (\d+): (?s:(.*))$`)
	ofGrammar = regexp.MustCompile(`^did not find expected (node content|key|'-' indicator|',' or|<)`)
	ofAnchor  = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// syntax adds what the YAML parser says, its line made ours.
func (found *faults) syntax(err error, content []byte) {
	line, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := withLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
		if ofGrammar.MatchString(text) {
			line++
		}
	}
	if m := ofAnchor.FindStringSubmatch(text); m != nil {
		before, _, _ := bytes.Cut(content, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	found.add(line, "", "is not valid YAML: %s", text)
}

// parseLabels reads one class name a line; the line number less one is the class
// id, so that an empty line inside would give every later class a wrong name.
func parseLabels(content []byte, shown string) ([]string, error) {
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: is not UTF-8", shown)
	}
	text := strings.TrimRight(strings.TrimPrefix(string(content), "\ufeff"), " \t\r\n")
	if text == "" {
		return nil, fmt.Errorf("%s: is empty", shown)
	}
	rule := Rules()["spec.model.labels"]
	var labels []string
	for line := range strings.SplitSeq(text, "\n") {
		label := strings.TrimSpace(line)
		if fault := rule.textFault(label); fault != "" {
			return nil, fmt.Errorf("%s:%d: %s", shown, len(labels)+1, fault)
		}
		if labels = append(labels, label); len(labels) > rule.MaxItems {
			return nil, fmt.Errorf("%s: has more than %d lines", shown, rule.MaxItems)
		}
	}
	return labels, nil
}
