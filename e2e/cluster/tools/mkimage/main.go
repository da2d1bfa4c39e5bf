// Command mkimage writes an image of one layer, holding a few static files, as a
// docker archive that "ctr images import" reads. It needs no registry and no daemon.
//
//	mkimage -o FILE -t NAME:TAG [-user 65532:65532] [-env K=V]... [-file SOURCE:PATH[:MODE]]... ENTRYPOINT...
//
// Equal input gives equal bytes.
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// image is what the command line asks for.
type image struct {
	out, tag, user string
	files, env     list
	entrypoint     []string
}

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	var i image
	flag.StringVar(&i.out, "o", "image.tar", "where to write it")
	flag.StringVar(&i.tag, "t", "", "the image's name")
	flag.StringVar(&i.user, "user", "65532:65532", "who runs in it")
	flag.Var(&i.files, "file", "SOURCE:PATH[:MODE]; any number")
	flag.Var(&i.env, "env", "K=V; any number")
	flag.Parse()
	i.entrypoint = flag.Args()
	if err := i.write(); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func (i *image) write() (err error) {
	layer, err := os.CreateTemp(path.Dir(i.out), "layer")
	if err != nil {
		return fmt.Errorf("making room for the layer: %w", err)
	}
	defer os.Remove(layer.Name())
	defer layer.Close()
	sum := sha256.New()
	if err := i.layer(io.MultiWriter(layer, sum)); err != nil {
		return fmt.Errorf("writing the layer: %w", err)
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "1970-01-01T00:00:00Z",
		"config": map[string]any{
			"Entrypoint": i.entrypoint, "User": i.user, "WorkingDir": "/",
			"Env": append([]string{"PATH=/bin:/usr/bin"}, i.env...),
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sum.Sum(nil))}},
		"history": []any{map[string]any{"created_by": "mkimage"}},
	})
	if err != nil {
		return fmt.Errorf("describing the image: %w", err)
	}
	name := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]any{map[string]any{"Config": name, "RepoTags": []string{i.tag}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return fmt.Errorf("describing the image: %w", err)
	}
	size, err := layer.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("reading the layer: %w", err)
	}
	if _, err := layer.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the layer: %w", err)
	}
	out, err := os.Create(i.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	archive := tar.NewWriter(out)
	for _, part := range []struct {
		name string
		size int64
		from io.Reader
	}{
		{name, int64(len(config)), bytes.NewReader(config)},
		{"layer.tar", size, layer},
		{"manifest.json", int64(len(manifest)), bytes.NewReader(manifest)},
	} {
		if err := put(archive, &tar.Header{Name: part.name, Mode: 0o644, Size: part.size}, part.from); err != nil {
			return err
		}
	}
	return archive.Close()
}

// layer writes the files, their folders, /tmp, and the user of most images.
func (i *image) layer(to io.Writer) error {
	archive := tar.NewWriter(to)
	passwd := "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
	made := map[string]bool{".": true}
	if err := folder(archive, made, "tmp", 0o1777); err != nil {
		return err
	}
	if err := folder(archive, made, "etc", 0o755); err != nil {
		return err
	}
	if err := put(archive, &tar.Header{Name: "etc/passwd", Mode: 0o644, Size: int64(len(passwd))}, strings.NewReader(passwd)); err != nil {
		return err
	}
	for _, file := range i.files {
		if err := add(archive, made, file); err != nil {
			return err
		}
	}
	return archive.Close()
}

func add(archive *tar.Writer, made map[string]bool, file string) error {
	parts := strings.Split(file, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is not SOURCE:PATH[:MODE]", file)
	}
	mode := int64(0o755)
	if len(parts) == 3 {
		var err error
		if mode, err = strconv.ParseInt(parts[2], 8, 32); err != nil {
			return fmt.Errorf("mode of %q: %w", file, err)
		}
	}
	source, err := os.Open(parts[0])
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	name := strings.Trim(parts[1], "/")
	if err := folder(archive, made, path.Dir(name), 0o755); err != nil {
		return err
	}
	return put(archive, &tar.Header{Name: name, Mode: mode, Size: info.Size()}, source)
}

// folder writes a folder and those above it, each once.
func folder(archive *tar.Writer, made map[string]bool, name string, mode int64) error {
	if made[name] {
		return nil
	}
	made[name] = true
	if err := folder(archive, made, path.Dir(name), 0o755); err != nil {
		return err
	}
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func put(archive *tar.Writer, header *tar.Header, from io.Reader) error {
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(archive, from)
	return err
}
