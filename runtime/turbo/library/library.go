// Package library knows where libjpeg-turbo's shared library lies.
//
// It receives what the operator said, if anything, and hands on names to try, best
// first: the version that `./task setup` fetches, one beside the program, the
// system's own. Any of version 2 or later does, for all decode a JPEG to the same
// pixels. It refuses to look further where the operator named one. It needs no C
// compiler.
package library

import (
	"os"
	"path/filepath"
	"runtime"
)

// Version is the version of libjpeg-turbo that `./task setup` fetches.
const Version = "3.1.3"

// FileName is what the library is called on this platform.
func FileName() string {
	switch runtime.GOOS {
	case "darwin":
		return "libturbojpeg.0.dylib"
	case "windows":
		return "turbojpeg.dll"
	}
	return "libturbojpeg.so.0"
}

// Names are the names to open, in this order: named alone, where it is not empty
// (the file or the folder that holds it); else the paths of those that are there,
// and last a bare name, which the system looks for in its own folders.
func Names(named string) []string {
	if named != "" {
		if info, err := os.Stat(named); err == nil && info.IsDir() {
			named = filepath.Join(named, FileName())
		}
		if absolute, err := filepath.Abs(named); err == nil {
			named = absolute // a bare name would be searched in the system's folders
		}
		return []string{named}
	}
	var names []string
	for _, folder := range folders() {
		path := filepath.Join(folder, FileName())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			names = append(names, path)
		}
	}
	return append(names, FileName())
}

func folders() []string {
	var list []string
	if cache, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(cache, "saccade", "turbojpeg", Version))
	}
	if self, err := os.Executable(); err == nil {
		list = append(list, filepath.Dir(self))
	}
	return list
}
