package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A word must not stand in a tracked file, for the reason it comes with.
type word struct {
	text, why string
}

// someonesHome finds home folders of people; a container's own users are no people.
var someonesHome = regexp.MustCompile(`/(?:home|Users)/([a-z][a-z0-9._-]*)/`)

var nobody = []string{"nonroot", "user", "you"}

// offences tells, line by line, which words stand in text.
func offences(name, text string, words []word) []string {
	var faults []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		for _, w := range words {
			if strings.Contains(line, w.text) {
				faults = append(faults, fmt.Sprintf("%s:%d: %s: %s", name, number, w.why, w.text))
			}
		}
		if home := someonesHome.FindStringSubmatch(line); home != nil && !slices.Contains(nobody, home[1]) {
			faults = append(faults, fmt.Sprintf("%s:%d: a path of someone's machine: %s", name, number, home[0]))
		}
	}
	return faults
}

// places are this machine's own folders: the repository's, the one around it, the
// user's home. Folders that every machine has give nothing away.
func places(root, home string) []word {
	everywhere := []string{"", "/", ".", "/tmp", "/var/tmp", "/home", "/root", "/opt", "/srv", "/src", "/usr/src", "/builds", "/workspace"}
	var words []word
	for _, dir := range []string{root, filepath.Dir(root), home} {
		if dir = filepath.Clean(dir); !slices.Contains(everywhere, dir) {
			words = append(words, word{dir + "/", "a path of this machine"})
		}
	}
	return words
}

// hosts are those of the package registries this machine is set to use. A tool
// that is missing has no registry.
func hosts(ctx context.Context) []word {
	var words []word
	for _, ask := range [][]string{{"go", "env", "GOPROXY"}, {"npm", "config", "get", "registry"}} {
		out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).Output()
		if err != nil {
			continue
		}
		for _, host := range hostsIn(string(out)) {
			words = append(words, word{host, "the host of a package registry"})
		}
	}
	return words
}

// hostsIn reads addresses separated as GOPROXY separates them.
func hostsIn(list string) []string {
	var found []string
	for address := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(",| \n", r) }) {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			found = append(found, u.Host)
		}
	}
	return found
}

// shellOf is the shell that runs the file, or "" where it is no shell script.
func shellOf(name, text string) string {
	first, _, _ := strings.Cut(text, "\n")
	if interpreter, ok := strings.CutPrefix(first, "#!"); ok {
		for _, shell := range []string{"bash", "sh"} {
			if words := strings.Fields(interpreter); slices.ContainsFunc(words, func(w string) bool { return filepath.Base(w) == shell }) {
				return shell
			}
		}
		return ""
	}
	if filepath.Ext(name) == ".sh" {
		return "sh"
	}
	return ""
}
