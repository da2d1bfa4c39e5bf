package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// component is one thing that an image is made of.
type component struct {
	name, version string
	// licence is an SPDX expression; empty: it could not be told.
	licence string
	// purl is the package URL (github.com/package-url/purl-spec), by which scanners
	// find what is known of it; empty: it has none.
	purl string
	// sha256 is of the file as it lies in the image, lower-case hex; empty: not told.
	sha256  string
	comment string
}

// modulesOf are the modules that the linker wrote into the program, Go's own library
// among them, and the texts of their licences. folders are where their sources are, and
// goroot where Go's are.
func modulesOf(info *debug.BuildInfo, folders map[string]string, goroot string) ([]component, []byte, error) {
	var notices bytes.Buffer
	version := strings.TrimPrefix(info.GoVersion, "go")
	texts, err := licenceFiles(goroot)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(&notices, "The programs are made of these modules, each under its own licence.\n")
	write(&notices, "Go's standard library "+version, texts)
	list := []component{{name: "stdlib", version: version, licence: "BSD-3-Clause", purl: "pkg:golang/stdlib@" + version, comment: "Go's standard library and runtime."}}

	for _, dep := range info.Deps {
		folder := folders[dep.Path] // of the replacement, where there is one
		if dep.Replace != nil {
			dep = dep.Replace
		}
		if folder == "" {
			return nil, nil, fmt.Errorf("the sources of %s, and so its licence, are not on this machine", dep.Path)
		}
		texts, err := licenceFiles(folder)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the licence of %s: %w", dep.Path, err)
		}
		write(&notices, dep.Path+" "+dep.Version, texts)
		c := component{name: dep.Path, version: dep.Version, purl: "pkg:golang/" + dep.Path + "@" + dep.Version}
		if c.licence = licenceOf(texts); c.licence == "" {
			c.comment = "Its licence could not be told from its text."
		}
		list = append(list, c)
	}
	return list, notices.Bytes(), nil
}

func write(w *bytes.Buffer, title string, texts [][]byte) {
	fmt.Fprintf(w, "\n%s\n%s\n", strings.Repeat("=", 80), title)
	for _, text := range texts {
		fmt.Fprintf(w, "%s\n%s\n", strings.Repeat("-", 80), bytes.TrimSpace(text))
	}
}

// licenceFiles are the texts that lie at the top of a module's folder.
func licenceFiles(folder string) ([][]byte, error) {
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		named := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS", "EPL-", "EDL-"},
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !named || !entry.Type().IsRegular() || strings.HasSuffix(name, ".GO") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// known are the names that licensecheck and SPDX have in common, of licences that Go
// modules are under. What is not among them is told as not known, rather than wrong.
var known = []string{
	"0BSD", "AGPL-3.0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0",
	"EPL-2.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unlicense", "Zlib",
}

// licenceOf is what the texts are, as an SPDX expression; empty where it cannot be told.
func licenceOf(texts [][]byte) string {
	var ids []string
	for _, text := range texts {
		for _, match := range licensecheck.Scan(text).Match {
			if slices.Contains(known, match.ID) && !slices.Contains(ids, match.ID) {
				ids = append(ids, match.ID)
			}
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " AND ")
}
