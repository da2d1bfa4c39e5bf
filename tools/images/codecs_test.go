package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheCodecsAreThoseThatAreBuilt(t *testing.T) {
	folder := filepath.Join("..", "..", codecs)
	script, err := os.ReadFile(filepath.Join(folder, "build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(script), "set -euo")
	for _, c := range codecComponents() {
		if !strings.Contains(head, c.name+" "+c.version) && !strings.Contains(head, strings.ToUpper(c.name[:1])+c.name[1:]+" "+c.version) {
			t.Errorf("%s %s is not what build.sh builds", c.name, c.version)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == strings.ToLower(name) || slices.Contains(codecTexts, name) { // sources are in lower case
			continue
		}
		t.Errorf("%s is passed on in no image", name)
	}
}
