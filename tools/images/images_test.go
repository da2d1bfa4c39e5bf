package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// One test, since building is what takes the time: the images of this repository are
// built from two copies of it, compared, and run.
func TestTheImages(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles both programs twice")
	}
	p := here(t)
	if _, err := compiler(p); err != nil {
		t.Skip(err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "another-folder")
	copyTree(t, "../..", first)
	copyTree(t, first, second)
	outs := []string{t.TempDir(), t.TempDir()}
	for n, root := range []string{first, second} {
		args := []string{
			"--root", root, "--out", outs[n], "--platforms", p.String(), "--archive", "--version", "v1.2.3", "--revision", "abc",
			"--name-prefix", "dev.local/", "--tag", "1", "--function", filepath.Join(root, "functions", "centernet"),
		}
		if err := run(t.Context(), args, t.Output(), t.Output()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{gatewayName, runtimeName} {
		for _, file := range []string{name + "/index.json", name + "_" + p.file() + ".spdx.json", name + ".tar"} {
			a, b := readAll(t, filepath.Join(outs[0], file)), readAll(t, filepath.Join(outs[1], file))
			if !bytes.Equal(a, b) {
				t.Errorf("%s differs between two folders", file)
			}
		}
	}
	gateway, runtime := load(t, outs[0], gatewayName), load(t, outs[0], runtimeName)

	t.Run("the contents are listed", func(t *testing.T) {
		checkSPDX(t, readAll(t, filepath.Join(outs[0], gatewayName+"_"+p.file()+".spdx.json")), "stdlib", "github.com/spf13/cobra", "ca-certificates", "github.com/seed45885407/saccade")
		checkSPDX(t, readAll(t, filepath.Join(outs[0], runtimeName+"_"+p.file()+".spdx.json")), "stdlib", "github.com/yalue/onnxruntime_go", "onnxruntime", "libjpeg-turbo", "centernet-mbv3.onnx")
	})
	t.Run("both have the same first layer", func(t *testing.T) {
		if a, b := firstLayer(t, gateway), firstLayer(t, runtime); a != b {
			t.Errorf("%s and %s", a, b)
		}
	})
	t.Run("the gateway runs as anyone, with a root that cannot be written", func(t *testing.T) {
		for _, user := range []string{"65532:65532", "1000650000:0"} {
			out, err := inside(t, gateway, unpack(t, gateway), user, "--help").Output()
			if err != nil || !strings.Contains(string(out), "Usage:") {
				t.Errorf("as %s: %v\n%s", user, err, out)
			}
		}
	})
	t.Run("the runtime detects as anyone, with a root that cannot be written", func(t *testing.T) {
		root := unpack(t, runtime)
		for _, user := range []string{"65532:65532", "1000650000:0"} {
			detect(t, inside(t, runtime, root, user, "--model=/models", "--listen=127.0.0.1:0"))
		}
	})
}

func load(t *testing.T, out, name string) v1.Image {
	t.Helper()
	image, err := tarball.ImageFromPath(filepath.Join(out, name+".tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Fatal(err)
	}
	return image
}

func firstLayer(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.RootFS.DiffIDs[0]
}

// unpack is the image's files in a folder, with their permissions.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	reader := mutate.Extract(image)
	defer reader.Close()
	for archive := tar.NewReader(reader); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path, mode := filepath.Join(root, header.Name), os.FileMode(header.Mode&0o777)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, mode)
		} else {
			var data []byte
			if data, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(path, data, mode)
			}
		}
		if err := errors.Join(err, os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	// Whoever runs containers makes it, for what it mounts there.
	if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// inside is the image's entrypoint with its environment and nothing else, in a mount
// namespace of its own where the image is the root and cannot be written.
func inside(t *testing.T, image v1.Image, root, user string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("another root folder and another user take root's rights")
	}
	for _, program := range []string{"unshare", "mount", "chroot"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("mount namespaces are not to be had: %v %s", err, out)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	const script = `mount --bind "$1" "$1"; mount --bind /proc "$1/proc"; mount -o remount,bind,ro "$1"
root=$1 user=$2; shift 2; exec chroot --userspec="$user" "$root" "$@"`
	command := slices.Concat([]string{"--mount", "--propagation", "private", "sh", "-ec", script, "sh", root, user}, config.Config.Entrypoint, args)
	cmd := exec.CommandContext(t.Context(), "unshare", command...)
	cmd.Env = append(slices.Clone(config.Config.Env), "PATH="+os.Getenv("PATH"))
	return cmd
}

// detect starts the runtime, asks it what is on a cup's picture, and stops it.
func detect(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		// It is the process itself by now: every program before it was replaced by the next.
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(t.Output(), logs)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	address := ""
	lines := bufio.NewScanner(logs)
	for address == "" && lines.Scan() {
		t.Log(lines.Text())
		_, address, _ = strings.Cut(lines.Text(), "msg=listening address=")
	}
	if address == "" {
		t.Fatal("it never listened")
	}
	ready := false
	for !ready && lines.Scan() {
		t.Log(lines.Text())
		ready = strings.Contains(lines.Text(), "msg=ready")
	}
	picture := readAll(t, "../../samples/coffee.png")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/detect", bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "image/png")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var reply struct{ Detections []struct{ Class string } }
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	if len(reply.Detections) == 0 || reply.Detections[0].Class != "cup" {
		t.Errorf("it sees %+v (%s); want a cup", reply.Detections, answer.Status)
	}
}

// copyTree copies what programs are compiled of.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "out", "tools", "e2e"}, name) {
			continue
		}
		if entry.IsDir() {
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name)))
		} else if err = os.MkdirAll(to, 0o755); err == nil {
			var data []byte
			if data, err = os.ReadFile(filepath.Join(from, name)); err == nil {
				err = os.WriteFile(filepath.Join(to, name), data, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
