package device

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// machine is what a driver shows of two cards.
func machine() fstest.MapFS {
	information := func(name, uuid string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("Model: \t\t " + name + "\nIRQ:   \t\t 132\nGPU UUID: \t " + uuid +
			"\nVideo BIOS: \t 95.04.29.00.06\nBus Type: \t PCIe\nBus Location: \t 0000:01:00.0\n")}
	}
	return fstest.MapFS{
		"proc/driver/nvidia/version": &fstest.MapFile{Data: []byte(
			"NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc version 12.2.0\n")},
		"proc/driver/nvidia/gpus/0000:01:00.0/information": information("NVIDIA L4", "GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a"),
		"proc/driver/nvidia/gpus/0000:02:00.0/information": information("NVIDIA A10", "GPU-11111111-2222-3333-4444-555555555555"),
	}
}

func TestTheDriverTellsWhichGPUsThereAre(t *testing.T) {
	want := []GPU{
		{UUID: "GPU-5a3ed5f2-0b7e-4c27-9df6-3a1e2d1c0b9a", Name: "NVIDIA L4", Driver: "550.54.15"},
		{UUID: "GPU-11111111-2222-3333-4444-555555555555", Name: "NVIDIA A10", Driver: "550.54.15"},
	}
	list := List(machine())
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got, _ := Find(list, want[1].UUID); got != want[1] {
		t.Errorf("by its UUID: %+v", got)
	}
	if got, _ := Find(list, "MIG-99999999-2222-3333-4444-555555555555"); got != want[0] {
		t.Errorf("a part of one: %+v", got)
	}
	if list[0].Key() == list[1].Key() || len(list[0].Key()) != 12 {
		t.Errorf("keys %s and %s", list[0].Key(), list[1].Key())
	}
	newer := list[0]
	newer.Driver = "560.1"
	if newer.Key() == list[0].Key() {
		t.Error("another driver has the same key")
	}
}

// The open kernel modules say it otherwise.
func TestTheOpenDriversVersionIsRead(t *testing.T) {
	if got := version("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"); got != "570.86.15" {
		t.Errorf("%q", got)
	}
}

func TestAMachineThatTellsNothingHasNoGPU(t *testing.T) {
	if got := List(fstest.MapFS{}); got != nil {
		t.Errorf("%+v", got)
	}
	if _, is := Find(nil, "GPU-x"); is {
		t.Error("one is found")
	}
}

func TestMemoryIsAskedOfNvidiaSMI(t *testing.T) {
	smi := filepath.Join(t.TempDir(), "nvidia-smi")
	script := func(text string) {
		if err := os.WriteFile(smi, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script(`[ "$3" = --id=GPU-5 ] && echo "1024, 24564"`)
	used, total, err := Memory(t.Context(), smi, "GPU-5")
	if err != nil || used != 1<<30 || total != 24564<<20 {
		t.Errorf("%d of %d, %v", used, total, err)
	}
	for name, text := range map[string]string{
		"a part of a GPU, of which it tells nothing": `echo "[N/A], [N/A]"`,
		"a driver that does not answer":              `echo "NVIDIA-SMI has failed"; exit 9`,
		"no word":                                    `true`,
	} {
		script(text)
		if _, _, err := Memory(t.Context(), smi, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte("Model: x\nGPU UUID: GPU-1"), []byte("NVRM version: 1.2"))
	f.Fuzz(func(t *testing.T, information, version []byte) {
		list := List(fstest.MapFS{
			"proc/driver/nvidia/version":            &fstest.MapFile{Data: version},
			"proc/driver/nvidia/gpus/0/information": &fstest.MapFile{Data: information},
		})
		if len(list) != 1 || len(list[0].Key()) != 12 {
			t.Errorf("%+v", list)
		}
	})
}
