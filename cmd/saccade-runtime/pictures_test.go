package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogSaysWhatDecodes(t *testing.T) {
	for _, test := range []struct {
		name, named string
		fast        bool
		says        []string
	}{
		{"a library that is not there", filepath.Join(t.TempDir(), "absent.so"), false, []string{"WARN", "in Go", "absent.so", "./task setup"}},
		{"none wanted", noTurbo, false, []string{"INFO", "in Go", "--turbojpeg"}},
		{"the one that setup fetches", os.Getenv("SACCADE_TURBOJPEG"), true, []string{"INFO", "libjpeg-turbo", "library="}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := parse([]string{"--function", "f", "--model", "m", "--turbojpeg", test.named}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			limits := c.limits(c.log(&said))
			if test.fast && limits.JPEG == nil {
				t.Skipf("this machine has no libjpeg-turbo: %s", said.String())
			}
			if fast := limits.JPEG != nil; fast != test.fast {
				t.Errorf("libjpeg-turbo decodes: %v", fast)
			}
			for _, want := range test.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("the log says %q, want %q in it", said.String(), want)
				}
			}
		})
	}
}
