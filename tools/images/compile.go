package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// binary is a compiled program and what it is made of.
type binary struct {
	path    string
	modules []component
	// notices are the licences of all modules, as their authors want them passed on.
	notices []byte
}

// compile builds ./cmd/NAME of the repository. cc is the C compiler; empty: the
// program is static, and needs none.
func (b builder) compile(ctx context.Context, p platform, name, cc string) (binary, error) {
	path := filepath.Join(b.work, name+"_"+p.file())
	env := append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, p.level, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if cc != "" {
		env = append(env, "CGO_ENABLED=1", "CC="+cc, "CGO_CFLAGS=-O2", "CGO_LDFLAGS=")
	}
	// No build ID and no path: what differs between two folders would be there.
	_, err := b.command(ctx, env, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version="+b.stamp.version, "-o", path, "./cmd/"+name)
	if err != nil {
		return binary{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("reading what %s is made of: %w", name, err)
	}
	folders, err := b.moduleFolders(ctx, env, name)
	if err != nil {
		return binary{}, err
	}
	goroot, err := b.command(ctx, env, "go", "env", "GOROOT")
	if err != nil {
		return binary{}, err
	}
	modules, notices, err := modulesOf(info, folders, strings.TrimSpace(string(goroot)))
	return binary{path: path, modules: modules, notices: notices}, err
}

// moduleFolders are where the sources of the program's modules lie, by their paths.
func (b builder) moduleFolders(ctx context.Context, env []string, name string) (map[string]string, error) {
	out, err := b.command(ctx, env, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", "./cmd/"+name)
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			folders[path] = dir
		}
	}
	return folders, nil
}

// command is quiet while all goes well, and otherwise says what the program said.
func (b builder) command(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = b.options.root, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		const most = 4000
		said := bytes.TrimSpace(append(stdout.Bytes(), stderr.Bytes()...))
		return nil, fmt.Errorf("%s %s (%w):\n%s", name, args[0], err, said[max(0, len(said)-most):])
	}
	return stdout.Bytes(), nil
}

// compiler is the C compiler for p, or why there is none and how to get one.
func compiler(p platform) (string, error) {
	cc, packages := p.triplet+"-gcc", p.packages
	if p.native() {
		cc, packages = "gcc", "gcc libc6-dev"
	}
	_, absent := exec.LookPath(cc)
	if absent == nil {
		if _, absent = find(p.machine, p.folders(), "libstdc++.so.6"); absent == nil {
			return cc, nil
		}
	}
	return "", fmt.Errorf("on %s/%s the runtime for %s needs a C compiler, a C library and libstdc++ for it (%w)\n  apt-get install %s",
		runtime.GOOS, runtime.GOARCH, p, absent, packages)
}
