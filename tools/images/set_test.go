package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
)

// small is an image of a few bytes for both platforms.
func small(t *testing.T) set {
	t.Helper()
	s := set{
		name: gatewayName, reference: "dev.local/" + gatewayName,
		stamp: stamp{version: "v1.2.3", revision: "abc", tag: "1", when: time.Unix(1_700_000_000, 0).UTC()},
	}
	for _, p := range []platform{amd64, arm64} {
		err := s.add(blueprint{
			platform: p, config: gatewayConfig(), title: gatewayName, description: "small",
			parts: []part{{title: "one", items: []item{file("etc/passwd", passwd)}}, {title: "two", items: []item{file(gatewayName, p.arch)}}},
			components: sortComponents([]component{
				{name: "b", version: "1", licence: "MIT AND Zlib", purl: "pkg:generic/b@1", sha256: strings.Repeat("0", 64)},
				{name: "a", comment: "of no known licence"},
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestALayoutHoldsEveryPlatformAndItsListOfContents(t *testing.T) {
	s := small(t)
	dir := t.TempDir()
	if err := s.write(dir, true, t.Output()); err != nil {
		t.Fatal(err)
	}
	out, err := layout.ImageIndexFromPath(filepath.Join(dir, s.name))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := out.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 3 || manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1" {
		t.Fatalf("the layout has %+v; want the index, and a referrer for each platform", manifest.Manifests)
	}
	index, err := out.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	images, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range []platform{amd64, arm64} {
		if got := images.Manifests[n].Platform; got == nil || !got.Equals(p.oci()) {
			t.Errorf("image %d is for %v; want %s", n, got, p)
		}
		referrer, err := out.Image(manifest.Manifests[n+1].Digest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := referrer.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject == nil || got.Subject.Digest != images.Manifests[n].Digest || got.ArtifactType != sbomType || manifest.Manifests[n+1].ArtifactType != sbomType {
			t.Errorf("%s is of %v, a %s", manifest.Manifests[n+1].Digest, got.Subject, got.ArtifactType)
		}
		beside, err := os.ReadFile(filepath.Join(dir, s.name+"_"+p.file()+".spdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		if inside, err := os.ReadFile(filepath.Join(dir, s.name, "blobs", "sha256", got.Layers[0].Digest.Hex)); err != nil || !bytes.Equal(inside, beside) {
			t.Errorf("the list of contents in the layout is not the one beside it (%v)", err)
		}
		image, err := tarball.ImageFromPath(filepath.Join(dir, s.name+"_"+p.file()+".tar"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
	}
}

func TestTheConfigSaysWhoAndWhat(t *testing.T) {
	s := small(t)
	config, err := s.images[1].image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Entrypoint: []string{"/saccade"}, Env: []string{"XDG_CACHE_HOME=/var/cache"}, User: "65532:65532", WorkingDir: "/",
		ExposedPorts: map[string]struct{}{"8080/tcp": {}}, StopSignal: "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title": "saccade", "org.opencontainers.image.description": "small",
			"org.opencontainers.image.source":   "https://github.com/seed45885407/saccade",
			"org.opencontainers.image.revision": "abc", "org.opencontainers.image.version": "v1.2.3",
			"org.opencontainers.image.licenses": "Apache-2.0 AND MIT AND Zlib",
			"org.opencontainers.image.created":  "2023-11-14T22:13:20Z",
		},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Error(diff)
	}
	if config.Architecture != "arm64" || config.OS != "linux" || !config.Created.Equal(s.stamp.when) {
		t.Errorf("it is for %s/%s, of %s", config.OS, config.Architecture, config.Created)
	}
}

func TestTheListOfContentsIsValidSPDX(t *testing.T) {
	checkSPDX(t, small(t).images[0].sbom, "a", "b")
}

// checkSPDX reads the document as others would, and holds it to the rules that the
// library knows and to those of ours.
func checkSPDX(t *testing.T, document []byte, wanted ...string) {
	t.Helper()
	doc, err := json.Read(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := spdxlib.ValidateDocument(doc); err != nil {
		t.Error(err)
	}
	described, err := spdxlib.GetDescribedPackageIDs(doc)
	if err != nil || len(described) != 1 {
		t.Errorf("the document describes %v, %v; want the image", described, err)
	}
	if doc.SPDXVersion != "SPDX-2.3" || doc.DataLicense != "CC0-1.0" || doc.DocumentNamespace == "" || len(doc.CreationInfo.Creators) == 0 {
		t.Errorf("the document is %q, %q, %q", doc.SPDXVersion, doc.DataLicense, doc.DocumentNamespace)
	}
	contained := 0
	for _, r := range doc.Relationships {
		if r.Relationship == "CONTAINS" {
			contained++
		}
	}
	if contained != len(doc.Packages)-1 {
		t.Errorf("the image contains %d of %d", contained, len(doc.Packages)-1)
	}
	names := map[string]*spdx.Package{}
	for _, p := range doc.Packages {
		names[p.PackageName] = p
		if p.PackageLicenseDeclared == "" || p.PackageDownloadLocation == "" {
			t.Errorf("%s says nothing of its licence or origin", p.PackageName)
		}
	}
	for _, name := range wanted {
		if names[name] == nil {
			t.Errorf("%s is not in the list", name)
		}
	}
}

func TestARegistryHasTheImagesAndWhatRefersToThem(t *testing.T) {
	for _, test := range []struct {
		name      string
		referrers bool
	}{
		{"a registry that tells referrers", true},
		{"an older one, where a tag does", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(registry.New(registry.WithReferrersSupport(test.referrers), registry.Logger(log.New(io.Discard, "", 0))))
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://") + "/team"
			s := small(t)
			var said strings.Builder
			if err := s.push(t.Context(), host, &said); err != nil {
				t.Fatal(err)
			}
			tag, err := name.NewTag(host + "/saccade:1")
			if err != nil {
				t.Fatal(err)
			}
			index, err := remote.Index(tag)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Index(index); err != nil {
				t.Error(err)
			}
			want, err := s.index().Digest()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := index.Digest(); got != want || !strings.Contains(said.String(), want.String()) {
				t.Errorf("the registry has %s (%v), said is %q; want %s", got, err, said.String(), want)
			}
			subject, err := s.images[0].image.Digest()
			if err != nil {
				t.Fatal(err)
			}
			found, err := remote.Referrers(tag.Digest(subject.String()))
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := found.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			if len(manifest.Manifests) != 1 {
				t.Fatalf("what refers to it is %+v; want the list of its contents", manifest.Manifests)
			}
			// This registry tells the config's type for the artifact's; the manifest says both.
			referrer, err := remote.Image(tag.Digest(manifest.Manifests[0].Digest.String()))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := referrer.Manifest(); err != nil || got.ArtifactType != sbomType || got.Subject.Digest != subject {
				t.Errorf("what refers to it is %+v, %v", got, err)
			}
		})
	}
}
