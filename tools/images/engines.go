package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// engine is a shared library that the runtime opens by itself: it is in no DT_NEEDED.
type engine struct {
	name, version, licence string
	// file is what it is called, in the image too.
	file string
	// cache is its folder in the user's cache, where `./task setup` puts the one for
	// this machine.
	cache string
	// pkg is the npm package that has it, and inside where in that, by platform.
	pkg    string
	inside map[string]string
	// sums are SHA-256 in lower-case hex, by platform: those that setup checks too.
	sums map[string]string
	text string // the licence's
}

var (
	//go:embed licences/onnxruntime.txt
	onnxruntimeLicence string
	//go:embed licences/libjpeg-turbo.txt
	turbojpegLicence string
)

// engines are those the runtime's image has. A new version is a change here, in
// tools/onnxruntime and in tools/turbojpeg; a test compares them.
func engines() (onnxruntime, turbojpeg engine) {
	onnxruntime = engine{
		name: "onnxruntime", version: "1.30.0", licence: "MIT",
		file: "libonnxruntime.so.1", cache: "onnxruntime/1.30.0",
		pkg: "onnxruntime-node@1.30.0",
		inside: map[string]string{
			"linux/amd64": "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
			"linux/arm64": "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
		},
		sums: map[string]string{
			"linux/amd64": "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
			"linux/arm64": "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76",
		},
		text: onnxruntimeLicence,
	}
	turbojpeg = engine{
		name: "libjpeg-turbo", version: "3.1.3", licence: "BSD-3-Clause AND IJG AND Zlib",
		file: "libturbojpeg.so.0", cache: "turbojpeg/3.1.3",
		pkg: "@julusian/jpeg-turbo@3.0.1",
		inside: map[string]string{
			"linux/amd64": "package/prebuilds/jpeg-turbo-linux-x64/libturbojpeg.so.0",
			"linux/arm64": "package/prebuilds/jpeg-turbo-linux-arm64/libturbojpeg.so.0",
		},
		sums: map[string]string{
			"linux/amd64": "6facda09ef3e2308608f2b0214c040791e276305a48a27036362402f95fffcf5",
			"linux/arm64": "a84dbc892b9e438c72022bc6ad892400d21ffdf5d7184928d59807371b7c86d5",
		},
		text: turbojpegLicence,
	}
	return onnxruntime, turbojpeg
}

func (e engine) component(p platform) component {
	return component{
		name: e.name, version: e.version, licence: e.licence, sha256: e.sums[p.String()],
		purl: "pkg:generic/" + e.name + "@" + e.version, comment: "As in the npm package " + e.pkg + ".",
	}
}

// engine is the library's file for p: out of the user's cache, else fetched into it,
// once and for all platforms, since the package has them all.
func (b builder) engine(ctx context.Context, p platform, e engine) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder to keep %s in: set HOME or XDG_CACHE_HOME (%w)", e.name, err)
	}
	dir := filepath.Join(cache, "saccade", filepath.FromSlash(e.cache))
	if p.native() {
		if path := filepath.Join(dir, e.file); e.check(p, path) == nil {
			return path, nil
		}
	}
	path := filepath.Join(dir, p.file(), e.file)
	if e.check(p, path) == nil {
		return path, nil
	}
	fmt.Fprintf(b.stdout, "Fetching %s %s by npm, for other platforms than this one too (once) ...\n", e.name, e.version)
	archive, err := b.npmPack(ctx, e.pkg)
	if err != nil {
		return "", err
	}
	for target, inside := range e.inside {
		other, err := platformNamed(target)
		if err != nil {
			return "", err
		}
		if err := e.land(archive, inside, other, filepath.Join(dir, other.file())); err != nil {
			return "", fmt.Errorf("taking %s for %s out of %s: %w", e.name, target, e.pkg, err)
		}
	}
	return path, os.Remove(archive)
}

// npmPack downloads the package's archive and installs nothing: neither its scripts
// nor what it depends on are wanted.
func (b builder) npmPack(ctx context.Context, pkg string) (string, error) {
	dir, err := os.MkdirTemp(b.work, "npm-")
	if err != nil {
		return "", err
	}
	if _, err := b.command(ctx, os.Environ(), "npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", dir, pkg); err != nil {
		return "", fmt.Errorf("downloading %s: %w", pkg, err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("npm left %d archives of %s, not one", len(found), pkg)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// land takes one file out of the archive and puts it into dir by a rename, once its
// sum is found right: whoever finds it finds all of it.
func (e engine) land(archive, inside string, p platform, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, ".fetch-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // not there any more where all went well
	err = extract(archive, inside, temporary)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	if err := e.check(p, temporary.Name()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), filepath.Join(dir, e.file))
}

// most is more bytes than such a library has, and fewer than would hurt.
const most = 256 << 20

func extract(archive, inside string, to io.Writer) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for members := tar.NewReader(plain); ; {
		member, err := members.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("there is no %s", inside)
		}
		if err != nil {
			return err
		}
		if member.Name == inside {
			_, err := io.Copy(to, io.LimitReader(members, most))
			return err
		}
	}
}

// check returns nil where the file is the library, whole and unchanged.
func (e engine) check(p platform, path string) error {
	got, err := sum(path)
	if err != nil {
		return err
	}
	if want := e.sums[p.String()]; got != want {
		return fmt.Errorf("%s has SHA-256 %s instead of %s", path, got, want)
	}
	return nil
}
