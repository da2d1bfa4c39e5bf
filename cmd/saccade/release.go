package main

import "regexp"

// runtimeImage is where the runtime's image is, without its tag.
const runtimeImage = "ghcr.io/seed45885407/saccade-runtime"

var notInTags = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// imageTag is what the images of a version are tagged with: as ./task images does it
// (tools/images), and as the chart's appVersion says it. The v is left out, as is the
// custom of registries, and what tags may not hold becomes a hyphen.
func imageTag(version string) string {
	if len(version) > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9' {
		version = version[1:]
	}
	return notInTags.ReplaceAllString(version, "-")
}
