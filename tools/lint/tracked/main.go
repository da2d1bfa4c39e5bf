// Command tracked reads every file that git tracks, or would if it were added,
// and reports what belongs to one machine and not in a project: a path of a
// developer's machine, the host of a package registry; and a shell script that
// its shell cannot parse.
//
// It receives the repository's root as its one argument. The hosts are those that
// this machine is set to use, asked of Go and npm at run time: so none stands here
// either. It refuses nothing else: form is the formatter's matter.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tracked ROOT")
		os.Exit(2)
	}
	faults, err := run(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracked:", err)
		os.Exit(2)
	}
	for _, fault := range faults {
		fmt.Println(fault)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, root string) ([]string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	list, err := exec.CommandContext(ctx, "git", "-C", root,
		"ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("listing tracked files: %w", err)
	}
	home, _ := os.UserHomeDir() // none is fine: then no path leads there
	words := append(places(root, home), hosts(ctx)...)

	var faults []string
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		path := filepath.Join(root, name)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted and not yet staged, or a link
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
			continue // binary, by git's own measure
		}
		faults = append(faults, offences(name, string(text), words)...)
		if shell := shellOf(name, string(text)); shell != "" {
			if out, err := exec.CommandContext(ctx, shell, "-n", path).CombinedOutput(); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s -n: %s", name, shell, bytes.TrimSpace(out)))
			}
		}
	}
	return faults, nil
}
