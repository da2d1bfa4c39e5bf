package main

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALayerIsSortedAndOfOneTime(t *testing.T) {
	when := time.Unix(1_700_000_000, 0).UTC()
	made := part{title: "x", items: []item{
		program("b/two", "layer_test.go"), file("b/a/one", "1"), {path: "tmp", mode: 0o1777, folder: true},
	}}
	layer, err := made.layer(when)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	type entry struct {
		Name string
		Mode int64
	}
	var got []entry
	for archive := tar.NewReader(reader); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(when) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || len(header.PAXRecords) > 0 {
			t.Errorf("%s has time %s, user %d:%d %q, records %v", header.Name, header.ModTime, header.Uid, header.Gid, header.Uname, header.PAXRecords)
		}
		got = append(got, entry{header.Name, header.Mode})
	}
	want := []entry{{"b/", 0o755}, {"b/a/", 0o755}, {"b/a/one", 0o644}, {"b/two", 0o755}, {"tmp/", 0o1777}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestALayerThatCannotBeIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, fault string
		items       []item
	}{
		{"the same path twice", "comes twice", []item{file("a", ""), file("a", "")}},
		{"a path that leads out", "no path", []item{file("../a", "")}},
		{"a path from the machine's root", "no path", []item{file("/etc/passwd", "")}},
		{"a file in a file", "lies in it", []item{file("a", ""), file("a/b", "")}},
		{"a file that is not there", "no such file", []item{copied("a", "no/such")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := (part{items: test.items}).layer(time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("layer = %v; want an error that says %q", err, test.fault)
			}
		})
	}
}
