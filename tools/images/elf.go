package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// native is what a dynamic program needs of the C library and its kin.
type native struct {
	// loader is the program's interpreter: its path in the image, and its file here.
	loader, loaderFile string
	// libraries are the files here of all shared libraries that are needed, sorted by
	// name. The roots themselves are not among them.
	libraries []string
}

// closure reads DT_NEEDED of the roots, and of what they need, and so on (gABI,
// "Dynamic Section"), and looks for each library in folders, in their order. The first
// root is the program, whose PT_INTERP names the loader. Libraries that allowed names
// may be missing: the machine that runs the image brings them.
func closure(machine elf.Machine, folders []string, roots []string, allowed ...string) (native, error) {
	var n native
	var faults []error
	done := map[string]bool{}
	for _, root := range roots {
		done[filepath.Base(root)] = true
		if name, err := soname(root); err == nil { // what cannot be read is said below
			done[name] = true
		}
	}
	queue := slices.Clone(roots)
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		needed, interpreter, err := read(machine, path)
		if err != nil {
			return native{}, err
		}
		if path == roots[0] {
			if interpreter == "" {
				return native{}, fmt.Errorf("%s names no loader: is it static?", path)
			}
			n.loader, done[filepath.Base(interpreter)] = interpreter, true
		}
		for _, name := range needed {
			if done[name] || beginsWith(name, allowed) {
				continue
			}
			done[name] = true
			found, err := find(machine, folders, name)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s needs %w", filepath.Base(path), err))
				continue
			}
			n.libraries = append(n.libraries, found)
			queue = append(queue, found)
		}
	}
	loader, err := find(machine, append([]string{filepath.Dir(n.loader)}, folders...), filepath.Base(n.loader))
	if err != nil {
		faults = append(faults, fmt.Errorf("%s needs %w", filepath.Base(roots[0]), err))
	}
	n.loaderFile = loader
	slices.SortFunc(n.libraries, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return n, errors.Join(faults...)
}

// find is the file called name, for this machine, in the first folder that has one.
func find(machine elf.Machine, folders []string, name string) (string, error) {
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if _, _, err := read(machine, path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s for %s, which is in none of %s", name, machine, strings.Join(folders, ", "))
}

// read is what an ELF file says it needs.
func read(machine elf.Machine, path string) (needed []string, interpreter string, err error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer file.Close()
	if file.Machine != machine || file.Class != elf.ELFCLASS64 {
		return nil, "", fmt.Errorf("reading %s: it is for %s (%s), not %s", path, file.Machine, file.Class, machine)
	}
	for _, prog := range file.Progs {
		if prog.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, min(prog.Filesz, 4096))
		if _, err := prog.ReadAt(text, 0); err != nil {
			return nil, "", fmt.Errorf("reading %s: %w", path, err)
		}
		interpreter = string(bytes.TrimRight(text, "\x00"))
	}
	needed, err = file.ImportedLibraries()
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", path, err)
	}
	return needed, interpreter, nil
}

// libraryFolder is where the loader looks without being told, so that the image needs
// neither ld.so.cache nor LD_LIBRARY_PATH. glibc has the list compiled in, and each
// distribution its own.
func libraryFolder(p platform, loader string) (string, error) {
	data, err := os.ReadFile(loader)
	if err != nil {
		return "", err
	}
	for _, folder := range []string{"/lib/" + p.triplet + "/", "/lib64/", "/usr/lib64/", "/usr/lib/"} {
		if bytes.Contains(data, []byte("\x00"+folder+"\x00")) {
			return strings.Trim(folder, "/"), nil
		}
	}
	return "", fmt.Errorf("%s does not say where it looks for libraries: is this glibc?", loader)
}

// soname is what programs ask for the library by (DT_SONAME), else the file's name.
func soname(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	names, err := file.DynString(elf.DT_SONAME)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return filepath.Base(path), nil
	}
	return filepath.Base(names[0]), nil
}

func beginsWith(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
