// Package library knows where ONNX Runtime's shared library lies.
//
// It receives what the operator said, if anything, and hands on the path of a
// file that exists. It refuses to search the system's own library folders: a
// version that is not the one we measured answers with other numbers. It needs no
// C compiler, so that those who start a runtime can look before they do.
package library

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/seed45885407/saccade/functions"
)

// Version is the version of ONNX Runtime that `./task setup` fetches.
const Version = "1.30.0"

// Find is the path of the shared library: named, where it is not empty (the file
// or the folder that holds it), else the one in the user's cache folder, else the
// one beside the executable. The error says how to get it.
func Find(named string) (string, error) {
	if named != "" {
		return at(named)
	}
	var looked []string
	for _, folder := range folders() {
		path := filepath.Join(folder, FileName())
		if isFile(path) {
			return path, nil
		}
		looked = append(looked, path)
	}
	return "", functions.Errorf(functions.Unavailable, "ONNX Runtime is not installed; "+
		"`./task setup` fetches version %s, and SACCADE_ONNXRUNTIME names another place", Version).
		Because(fmt.Errorf("looking for the shared library at %q", looked))
}

// FileName is what the library is called on this platform.
func FileName() string {
	switch runtime.GOOS {
	case "darwin":
		return "libonnxruntime.1.dylib"
	case "windows":
		return "onnxruntime.dll"
	}
	return "libonnxruntime.so.1"
}

func at(named string) (string, error) {
	path := named
	if info, err := os.Stat(named); err == nil && info.IsDir() {
		path = filepath.Join(named, FileName())
	}
	if !isFile(path) {
		return "", functions.Errorf(functions.Unavailable, "SACCADE_ONNXRUNTIME names a library that is not there").
			Because(fmt.Errorf("looking for the shared library at %q", path))
	}
	return filepath.Abs(path) // a bare name would be searched in the system's folders
}

func folders() []string {
	var list []string
	if cache, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(cache, "saccade", "onnxruntime", Version))
	}
	if self, err := os.Executable(); err == nil {
		list = append(list, filepath.Dir(self))
	}
	return list
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
