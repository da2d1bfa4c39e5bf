// Package house_test keeps the truths of the house: every package has a comment
// that says what it is for, imports follow the arrows, names mean something,
// shipped files parse, links lead somewhere, and each kind of problem is
// documented.
//
// Each truth is a function from what it looks at to a list of faults, with a test
// that shows it a fault. What it refuses, it tells with file and reason.
package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed45885407/saccade"

// room is one folder of Go files.
type room struct {
	dir   string // slash-separated, relative to the root
	files []file
}

type file struct {
	name   string
	syntax *ast.File
}

func (f file) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// imports are the import paths, those of this module as folders: ./functions.
func (f file) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has seen that it is a string
		if p == module || strings.HasPrefix(p, module+"/") {
			p = "." + strings.TrimPrefix(p, module)
		}
		paths = append(paths, p)
	}
	return paths
}

// isTestHelp says that the room is there for tests, as net/http/httptest is.
func (r room) isTestHelp() bool {
	return strings.HasSuffix(path.Base(r.dir), "test") ||
		!slices.ContainsFunc(r.files, func(f file) bool { return !f.isTest() })
}

// rooms parses every Go file of the product; the tools are modules of their own.
func rooms(t *testing.T) []room {
	t.Helper()
	byDir := map[string]room{}
	for _, name := range tree(t) {
		if path.Ext(name) != ".go" {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("reading %s: %v", name, err)
			continue
		}
		r := byDir[path.Dir(name)]
		r.dir = path.Dir(name)
		r.files = append(r.files, file{path.Base(name), syntax})
		byDir[r.dir] = r
	}
	if len(byDir) < 5 {
		t.Fatalf("found %d rooms: the search is at fault", len(byDir))
	}
	return slices.SortedFunc(maps.Values(byDir), func(a, b room) int { return strings.Compare(a.dir, b.dir) })
}

// tree lists the product's files, without what was built or downloaded, what tests
// are fed, and modules of their own.
func tree(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case !entry.IsDir():
			names = append(names, name)
		case name == ".":
		case name == "bin", name == "out", base == "testdata", base == "node_modules",
			strings.HasPrefix(base, ".") && base != ".github", isModule(name):
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// each runs a truth over every room.
func each(t *testing.T, truth func(room) []string) {
	t.Helper()
	for _, r := range rooms(t) {
		for _, fault := range truth(r) {
			t.Errorf("%s: %s", r.dir, fault)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) { each(t, commentFaults) }
func TestNamesMeanSomething(t *testing.T)          { each(t, nameFaults) }
func TestImportsFollowTheArrows(t *testing.T)      { each(t, arrowFaults) }

// leastComment is too short to tell what a room receives, hands on and refuses.
const leastComment = 120

func commentFaults(r room) []string {
	name := r.files[0].syntax.Name.Name
	for _, f := range r.files {
		if !f.isTest() {
			name = f.syntax.Name.Name
		}
	}
	homes := []string{name + ".go", "doc.go"}
	opening := "Package " + name + " "
	if name == "main" {
		homes = []string{"main.go", "doc.go", path.Base(r.dir) + ".go"}
		opening = "Command " + path.Base(r.dir) + " "
	}
	for _, f := range r.files {
		if f.isTest() && !r.isTestHelp() || f.syntax.Doc == nil {
			continue
		}
		text := f.syntax.Doc.Text()
		switch {
		case !slices.Contains(homes, f.name) && !f.isTest():
			return []string{"the package comment belongs in " + homes[0] + ", not in " + f.name}
		case !strings.HasPrefix(text, opening) && !f.isTest():
			return []string{"the package comment begins with " + strconv.Quote(opening)}
		case len(text) < leastComment:
			return []string{"the package comment is too short to tell what the room receives, hands on and refuses"}
		}
		return nil
	}
	return []string{"no package comment in " + homes[0]}
}

func nameFaults(r room) []string {
	var faults []string
	for _, f := range r.files {
		switch name := strings.TrimSuffix(f.syntax.Name.Name, "_test"); name {
		case "util", "utils", "common", "helper", "helpers", "manager", "managers", "base", "misc", "shared", "types", "runtime":
			faults = append(faults, "a package called "+name+" says nothing, or shadows the standard library")
		}
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && !ast.IsGenerated(f.syntax) {
				faults = append(faults, f.name+" has an init function: mains wire everything")
			}
		}
	}
	return faults
}

// parse makes a room of file names and their text, for the tests of the truths.
func parse(t *testing.T, dir string, sources map[string]string) room {
	t.Helper()
	r := room{dir: dir}
	for name, source := range sources {
		syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		r.files = append(r.files, file{filepath.Base(name), syntax})
	}
	return r
}
