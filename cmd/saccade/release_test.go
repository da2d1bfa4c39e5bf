package main

import (
	"os"
	"regexp"
	"testing"
)

// The same versions and tags are in a test of tools/images, which is another module.
func TestAVersionsImagesAreTaggedAsTheyAreBuilt(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3": "1.2.3", "v0.1.0-3-gabc-dirty": "0.1.0-3-gabc-dirty", "1.0.0+meta": "1.0.0-meta", "1ecb5bc": "1ecb5bc", "vague": "vague", "devel": "devel",
	} {
		if got := imageTag(version); got != want {
			t.Errorf("the tag of %s is %s; want %s", version, got, want)
		}
	}
}

// Of a release, saccade deploy, the chart and the manifests name images of one tag.
func TestAReleaseIsOneTag(t *testing.T) {
	first := func(path, pattern string) string {
		t.Helper()
		text, err := os.ReadFile("../../config/" + path)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no %s", path, pattern)
		}
		return string(found[1])
	}
	release := first("helm/saccade/Chart.yaml", `(?m)^appVersion: (\d+\.\d+\.\d+)$`)
	if got := imageTag("v" + release); got != release {
		t.Errorf("the chart says %s, saccade deploy %s", release, got)
	}
	if got := first("kustomize/base/gateway.yaml", `image: ghcr\.io/seed45885407/saccade:(\S+)`); got != release {
		t.Errorf("the chart says %s, kustomize %s", release, got)
	}
	if got := first("helm/saccade/Chart.yaml", `(?m)^version: (\S+)$`); got != release {
		t.Errorf("the chart is %s, of %s", got, release)
	}
}
