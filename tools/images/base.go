package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	user = "65532:65532"

	passwd = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:65532:\n"

	// nsswitch says that names are looked up in /etc/hosts first, for the C library
	// and for Go's own resolver.
	nsswitch = "hosts: files dns\n"

	// cacheHome is where the programs keep what they fetch: /var/cache/saccade.
	cacheHome = "/var/cache"
)

// base is what both images begin with, the same to the byte. Whoever the container
// runs as may write to /tmp and the cache, where its root can be written at all.
func base(licence, notice string) part {
	return part{title: "users, certificates, folders", items: []item{
		file("etc/passwd", passwd),
		file("etc/group", group),
		file("etc/nsswitch.conf", nsswitch),
		file("etc/ssl/certs/ca-certificates.crt", string(certificates())),
		{path: "tmp", mode: 0o1777, folder: true},
		{path: "var/cache/saccade", mode: 0o1777, folder: true},
		copied(docs+"LICENSE", licence),
		copied(docs+"NOTICE", notice),
	}}
}

// docs is where licences and notices lie in the images.
const docs = "usr/share/doc/saccade/"

// certificates are Mozilla's roots, as pinned by go.sum, in PEM. Not the builder's
// own: those may hold the authority of a company's proxy, which no user of the image
// means to trust. Roots that are trusted under conditions are left out, since PEM
// cannot tell the conditions.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // into memory
		}
	}
	return out.Bytes()
}

const rootsModule = "golang.org/x/crypto/x509roots/fallback"

// certificatesComponent is the roots' entry in the list of what is in the image.
func certificatesComponent() (component, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return component{}, errors.New("this program does not know the modules it is made of")
	}
	for _, dep := range info.Deps {
		if dep.Path == rootsModule {
			sum := sha256.Sum256(certificates())
			return component{
				name: "ca-certificates", version: dep.Version, licence: "MPL-2.0", sha256: hex.EncodeToString(sum[:]),
				purl:    "pkg:golang/" + rootsModule + "@" + dep.Version,
				comment: "Mozilla's root certificates, without those that are trusted under conditions.",
			}, nil
		}
	}
	return component{}, errors.New("this program is not made of " + strings.TrimSuffix(rootsModule, "/fallback"))
}
