package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is the repository, for the label that registries link to.
const source = "https://github.com/seed45885407/saccade"

// stamp is what an image says of its origin.
type stamp struct {
	version, revision, tag string
	// when is the time of every file and of the image itself: SOURCE_DATE_EPOCH
	// (reproducible-builds.org), else the commit's, else 1970. Never the clock's.
	when time.Time
}

func stampOf(ctx context.Context, o options) (stamp, error) {
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", o.root}, args...)...).Output()
		if err != nil {
			return "" // an unpacked archive of the source has no history
		}
		return strings.TrimSpace(string(out))
	}
	s := stamp{
		version:  cmp.Or(o.version, git("describe", "--tags", "--always", "--dirty"), "unknown"),
		revision: cmp.Or(o.revision, git("rev-parse", "HEAD"), "unknown"),
	}
	s.tag = cmp.Or(o.tag, tagOf(s.version))
	epoch := cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), git("log", "-1", "--format=%ct"), "0")
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return s, fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds since 1970", epoch)
	}
	s.when = time.Unix(seconds, 0).UTC()
	return s, nil
}

var notInTags = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// tagOf is the version as a tag: without the v, as is the custom of registries, and
// without what tags may not hold.
func tagOf(version string) string {
	if len(version) > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9' {
		version = version[1:]
	}
	return notInTags.ReplaceAllString(version, "-")
}
