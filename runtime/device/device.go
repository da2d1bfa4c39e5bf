// Package device knows the NVIDIA GPUs of this machine, without their libraries.
//
// It receives a file system that has /proc, or the name of nvidia-smi, and hands on
// which GPUs there are, whose driver, and how much of their memory is taken. It
// refuses to guess: a machine that tells nothing has no GPU.
package device

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"time"
)

// GPU is one NVIDIA GPU.
type GPU struct {
	// UUID is GPU- and its number, as nvidia-smi -L shows it.
	UUID string
	// Name is the model's, for example NVIDIA L4.
	Name string
	// Driver is the kernel driver's version.
	Driver string
}

// List is the GPUs that the kernel's driver knows, in the order of their place on the
// bus; root is the machine's file system. A container sees those it is given.
//
// Source: NVIDIA driver README, chapter "proc interface":
// /proc/driver/nvidia/version and /proc/driver/nvidia/gpus/<bus>/information.
func List(root fs.FS) []GPU {
	const folder = "proc/driver/nvidia"
	text, err := fs.ReadFile(root, folder+"/version")
	if err != nil {
		return nil
	}
	driver := version(string(text))
	files, err := fs.Glob(root, path.Join(folder, "gpus", "*", "information"))
	if err != nil {
		return nil
	}
	var list []GPU
	for _, file := range files {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			continue // it has gone meanwhile
		}
		gpu := GPU{Driver: driver}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
			case "Model":
				gpu.Name = value
			case "GPU UUID":
				gpu.UUID = value
			}
		}
		list = append(list, gpu)
	}
	return list
}

// version is the driver's, the first word of figures and points in what it says of
// itself: NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar 5 ...
func version(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	for word := range strings.FieldsSeq(line) {
		if strings.Contains(word, ".") && strings.Trim(word, "0123456789.") == "" {
			return word
		}
	}
	return ""
}

// Find is the GPU of that UUID, or where there is none of it (a part of one has a UUID
// of its own), or it is empty, the first.
func Find(list []GPU, uuid string) (GPU, bool) {
	for _, gpu := range list {
		if gpu.UUID == uuid {
			return gpu, true
		}
	}
	if len(list) == 0 {
		return GPU{}, false
	}
	return list[0], true
}

// Key is for what was built for this card and driver, and is of no use to another. It
// is fit for a file's name.
func (g GPU) Key() string {
	sum := sha256.Sum256([]byte(g.Name + "\n" + g.Driver))
	return hex.EncodeToString(sum[:6])
}

// Memory is how many bytes of a GPU's memory are taken, by whomever, and how many
// there are. smi is the nvidia-smi to ask; it takes tens of milliseconds, and more
// where no process keeps the driver awake.
func Memory(ctx context.Context, smi, uuid string) (used, total int64, err error) {
	const most = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	args := []string{"--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"}
	if uuid != "" {
		args = append(args, "--id="+uuid)
	}
	out, err := exec.CommandContext(ctx, smi, args...).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("asking nvidia-smi: %w", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	mib, of, is := strings.Cut(line, ",")
	if used, err = strconv.ParseInt(strings.TrimSpace(mib), 10, 64); err == nil && is {
		total, err = strconv.ParseInt(strings.TrimSpace(of), 10, 64)
	}
	if err != nil || !is {
		return 0, 0, fmt.Errorf("asking nvidia-smi: it says %.100q", line)
	}
	return used << 20, total << 20, nil
}
