package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// here is the platform of this machine.
func here(t *testing.T) platform {
	t.Helper()
	p, err := platformNamed(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	return p
}

// world compiles a program that needs liba, which needs libb: both in one folder.
func world(t *testing.T) (dir, program string) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("there is no gcc")
	}
	dir = t.TempDir()
	gcc := func(source string, args ...string) {
		t.Helper()
		cmd := exec.Command("gcc", append([]string{"-x", "c", "-", "-x", "none", "-Wl,--no-as-needed"}, args...)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(source)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v\n%s", err, out)
		}
	}
	gcc("int b(void) { return 1; }", "-shared", "-fPIC", "-Wl,-soname,libb.so.2", "-o", "libb.so.2")
	gcc("int b(void); int a(void) { return b(); }", "-shared", "-fPIC", "-Wl,-soname,liba.so.1", "-o", "liba.so.1", "libb.so.2")
	gcc("int a(void); int main(void) { return a(); }", "-o", "program", "liba.so.1", "-Wl,-rpath-link,.")
	return dir, filepath.Join(dir, "program")
}

func TestWhatLibrariesNeedIsFoundToo(t *testing.T) {
	p := here(t)
	dir, program := world(t)
	got, err := closure(p.machine, append([]string{dir}, p.folders()...), []string{program})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range got.libraries {
		names = append(names, filepath.Base(path))
	}
	if diff := cmp.Diff([]string{"liba.so.1", "libb.so.2", "libc.so.6"}, names); diff != "" {
		t.Error(diff)
	}
	if filepath.Base(got.loader) != filepath.Base(got.loaderFile) || !strings.HasPrefix(filepath.Base(got.loader), "ld-linux") {
		t.Errorf("the loader is %q, here %q", got.loader, got.loaderFile)
	}
	if folder, err := libraryFolder(p, got.loaderFile); err != nil || folder == "" {
		t.Errorf("the loader looks in %q, %v", folder, err)
	}
}

func TestALibraryThatIsNotThereIsNamedWithWhoNeedsIt(t *testing.T) {
	p := here(t)
	dir, program := world(t)
	if err := os.Remove(filepath.Join(dir, "libb.so.2")); err != nil {
		t.Fatal(err)
	}
	folders := append([]string{dir}, p.folders()...)
	_, err := closure(p.machine, folders, []string{program})
	if err == nil || !strings.Contains(err.Error(), "liba.so.1 needs libb.so.2") {
		t.Errorf("closure = %v; want it to name libb.so.2 and liba.so.1", err)
	}
	if _, err := closure(p.machine, folders, []string{program}, "libb.so"); err != nil {
		t.Errorf("closure = %v, though libb may be missing", err)
	}
}

func TestALibraryForAnotherMachineIsNoneToBeFound(t *testing.T) {
	p := here(t)
	dir, program := world(t)
	other := arm64
	if p == arm64 {
		other = amd64
	}
	if _, err := find(other.machine, []string{dir}, "liba.so.1"); err == nil {
		t.Errorf("a library for %s is taken for %s", p, other)
	}
	if _, err := closure(other.machine, []string{dir}, []string{program}); err == nil || !strings.Contains(err.Error(), "not EM_") {
		t.Errorf("closure = %v; want it to say what the program is for", err)
	}
}

// What CUDA's build of ONNX Runtime needs is stood in for by libraries of our own.
func TestCUDALibrariesComeFromTheFoldersNamed(t *testing.T) {
	p := here(t)
	dir, _ := world(t)
	names := []string{"libonnxruntime.so.1.30.0", "libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so", tensorrt, "libcuda.so.1", "onnxruntime_pybind11_state.so"}
	for _, name := range names {
		cmd := exec.Command("gcc", "-x", "c", "-", "-x", "none", "-shared", "-fPIC", "-o", name, "-Wl,-soname,"+strings.TrimSuffix(name, ".30.0"))
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("int x;")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v\n%s", err, out)
		}
	}
	onnxruntime, turbojpeg := engines()
	b := builder{options: options{cuda: []string{dir}}, work: t.TempDir(), stdout: t.Output()}
	if _, err := b.engine(t.Context(), p, turbojpeg); err != nil {
		t.Skip("libjpeg-turbo is not there: ", err)
	}
	got, err := b.enginesCUDA(t.Context(), p, onnxruntime, turbojpeg)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, i := range got.part.items {
		if strings.HasPrefix(i.path, enginesFolder) {
			paths = append(paths, filepath.Base(i.path))
		}
	}
	want := []string{"libturbojpeg.so.0", "liba.so.1", "libb.so.2", "libonnxruntime.so.1", "libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("neither the driver's, nor Python's, nor TensorRT's provider without TensorRT:\n%s", diff)
	}
	if env := withCUDA(runtimeConfig()).env; env["NVIDIA_VISIBLE_DEVICES"] != "all" || env["LD_LIBRARY_PATH"] == "" {
		t.Errorf("the environment is %v", env)
	}

	empty := builder{options: options{cuda: []string{t.TempDir()}}, work: t.TempDir(), stdout: t.Output()}
	if _, err := empty.enginesCUDA(t.Context(), p, onnxruntime, turbojpeg); err == nil || !strings.Contains(err.Error(), "libonnxruntime_providers_cuda.so") {
		t.Errorf("an empty folder: %v; want an error that names what is missing", err)
	}
}
