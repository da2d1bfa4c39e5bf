package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// manifest pins the version of onnxruntime-node, and with it ONNX Runtime's.
//
//go:embed package.json
var manifest []byte

// version is ONNX Runtime's, for example 1.30.0.
func version() string {
	var pkg struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(manifest, &pkg); err != nil {
		panic(fmt.Sprintf("package.json is compiled in and cannot be read: %v", err))
	}
	return pkg.Dependencies["onnxruntime-node"]
}

// library is ONNX Runtime's shared library for one platform.
type library struct {
	// dir is the library's folder in the package.
	dir string
	// name is the library's file name, in the package and in the cache.
	name string
	// sha256 is lower-case hex.
	sha256 string
}

// libraries are those in onnxruntime-node 1.30.0. A new version means new sums:
// `sha256sum node_modules/onnxruntime-node/bin/napi-v6/*/*/libonnxruntime.*`.
var libraries = map[string]library{
	"linux/amd64": {
		dir: "bin/napi-v6/linux/x64", name: "libonnxruntime.so.1",
		sha256: "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
	},
	"linux/arm64": {
		dir: "bin/napi-v6/linux/arm64", name: "libonnxruntime.so.1",
		sha256: "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76",
	},
	"darwin/arm64": {
		dir: "bin/napi-v6/darwin/arm64", name: "libonnxruntime.1.dylib",
		sha256: "685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d",
	},
}

func libraryFor(goos, goarch string) (library, error) {
	lib, ok := libraries[goos+"/"+goarch]
	if !ok {
		return library{}, fmt.Errorf(
			"onnxruntime-node %s has no library for %s/%s; get ONNX Runtime %[1]s elsewhere and let SACCADE_ONNXRUNTIME name it",
			version(), goos, goarch)
	}
	return lib, nil
}

// check returns nil where the file is the library, whole and unchanged.
func (l library) check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != l.sha256 {
		return fmt.Errorf("%s has SHA-256 %s instead of %s", path, sum, l.sha256)
	}
	return nil
}
