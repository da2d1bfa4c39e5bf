package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// owned is the package that a library of this machine comes from.
type owned struct {
	component
	// copyright is the file that the licence wants passed on; empty: not found.
	copyright string
}

// owner asks Debian's package database whose file it is. Elsewhere, and for files that
// no package has, the component is the file alone.
func owner(ctx context.Context, p platform, file string) (owned, error) {
	o := owned{component: component{name: filepath.Base(file), comment: "A file of the machine that the image was built on."}}
	var err error
	if o.sha256, err = sum(file); err != nil {
		return o, err
	}
	for _, name := range names(file) {
		out, err := exec.CommandContext(ctx, "dpkg-query", "-S", name).Output()
		if err != nil {
			continue
		}
		full, _, found := strings.Cut(string(out), ": ")
		if !found {
			continue
		}
		version, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", full).Output()
		if err != nil {
			continue
		}
		pkg, _, _ := strings.Cut(full, ":")
		o.comment = "Of this package: " + filepath.Base(file) + "."
		o.name, o.version, o.licence = pkg, string(version), licenceOfPackage(pkg)
		o.purl = "pkg:deb/" + distribution() + "/" + pkg + "@" + strings.ReplaceAll(o.version, "+", "%2B") + "?arch=" + p.arch
		copyright, err := filepath.EvalSymlinks("/usr/share/doc/" + pkg + "/copyright")
		if err == nil {
			o.copyright = copyright
		}
		return o, nil
	}
	return o, ctx.Err()
}

// names are those the database may have the file under: with and without /usr, which
// are the same folder on today's Debian, and without links.
func names(file string) []string {
	list := []string{file}
	if real, err := filepath.EvalSymlinks(file); err == nil && real != file {
		list = append(list, real)
	}
	for _, name := range list[:len(list):len(list)] {
		if short, ok := strings.CutPrefix(name, "/usr"); ok {
			list = append(list, short)
		} else {
			list = append(list, "/usr"+name)
		}
	}
	return list
}

// licenceOfPackage is for those that C and C++ programs need: their copyright files
// are prose.
func licenceOfPackage(pkg string) string {
	switch {
	case strings.HasPrefix(pkg, "libc6"):
		return "LGPL-2.1-or-later"
	case strings.HasPrefix(pkg, "libgcc-s1"), strings.HasPrefix(pkg, "libstdc++6"):
		return "GPL-3.0-or-later WITH GCC-exception-3.1"
	}
	return ""
}

var distributionID = regexp.MustCompile(`(?m)^ID="?([a-z0-9._-]+)"?$`)

func distribution() string {
	text, _ := os.ReadFile("/etc/os-release")
	if match := distributionID.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return "debian"
}

// sum is the file's SHA-256 in lower-case hex.
func sum(path string) (_ string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
