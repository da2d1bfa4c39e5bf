package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// version is libjpeg-turbo's; release is that of the npm package that has it.
const (
	version = "3.1.3"
	release = "@julusian/jpeg-turbo@3.0.1"
)

// most is more bytes than the library has, and fewer than would hurt.
const most = 16 << 20

// library is libjpeg-turbo's shared library for one platform.
type library struct {
	// path is where it lies in the package's archive, name its file name in the cache.
	path, name string
	// sha256 is lower-case hex.
	sha256 string
}

// libraries are those in [release]. A new version means new sums:
// `npm pack RELEASE`, then `tar xzf` and `sha256sum package/prebuilds/*/libturbojpeg.so.0`.
var libraries = map[string]library{
	"linux/amd64": {
		path: "package/prebuilds/jpeg-turbo-linux-x64/libturbojpeg.so.0", name: "libturbojpeg.so.0",
		sha256: "6facda09ef3e2308608f2b0214c040791e276305a48a27036362402f95fffcf5",
	},
	"linux/arm64": {
		path: "package/prebuilds/jpeg-turbo-linux-arm64/libturbojpeg.so.0", name: "libturbojpeg.so.0",
		sha256: "a84dbc892b9e438c72022bc6ad892400d21ffdf5d7184928d59807371b7c86d5",
	},
}

// check returns nil where the bytes are the library, whole and unchanged.
func (l library) check(data []byte) error {
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != l.sha256 {
		return fmt.Errorf("%s has SHA-256 %s instead of %s", l.name, got, l.sha256)
	}
	return nil
}
