package main

import (
	"debug/elf"
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// platform is what an image runs on, and how this tool builds for it.
type platform struct {
	os, arch string
	// triplet is the GNU name: of the cross compiler, and of Debian's library folders.
	triplet string
	machine elf.Machine
	// level is the instruction set that Go may use, as an environment variable. It is
	// written down, so that a builder's own setting does not change what is built.
	level string
	// packages are what Debian calls the cross compiler, its C library and libstdc++.
	packages string
}

var (
	amd64 = platform{
		os: "linux", arch: "amd64", triplet: "x86_64-linux-gnu", machine: elf.EM_X86_64, level: "GOAMD64=v1",
		packages: "gcc-x86-64-linux-gnu libc6-dev-amd64-cross libstdc++6-amd64-cross",
	}
	arm64 = platform{
		os: "linux", arch: "arm64", triplet: "aarch64-linux-gnu", machine: elf.EM_AARCH64, level: "GOARM64=v8.0",
		packages: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross",
	}
)

func platformNamed(text string) (platform, error) {
	for _, p := range []platform{amd64, arm64} {
		if p.String() == text {
			return p, nil
		}
	}
	return platform{}, fmt.Errorf("platform %q: images are built for linux/amd64 and linux/arm64", text)
}

func (p platform) String() string { return p.os + "/" + p.arch }

// file is the platform as part of a file's name.
func (p platform) file() string { return p.os + "_" + p.arch }

func (p platform) oci() v1.Platform { return v1.Platform{OS: p.os, Architecture: p.arch} }

// native says whether this machine runs what is built for p.
func (p platform) native() bool { return p.os == runtime.GOOS && p.arch == runtime.GOARCH }

// folders are where this machine may keep shared libraries for p, the first that has
// one wins. A cross C library lies under its triplet.
func (p platform) folders() []string {
	folders := []string{"/lib/" + p.triplet, "/usr/lib/" + p.triplet, "/usr/" + p.triplet + "/lib"}
	if p.native() {
		folders = append(folders, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	}
	return folders
}
