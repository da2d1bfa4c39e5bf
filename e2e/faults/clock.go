package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// clock is the wall clock of one process, and of no other. Go programs read the time
// from the vDSO, past the C library that a preloaded library could stand before, and
// a time namespace shifts all clocks but the wall clock. So the vDSO's function is
// written over, in the process's own copy of the page, before its first instruction:
// it asks the kernel and adds a number of seconds that lies behind the code. The
// monotonic clock stays as it is, as it does when an operator sets a machine's time.
type clock struct {
	pid int
	at  int64 // address of the number
}

// turnedGettime is clock_gettime(clk: edi, ts: rsi) for x86-64 Linux.
var turnedGettime = []byte{
	0xb8, 0xe4, 0x00, 0x00, 0x00, // mov eax, 228        the system call's number
	0x0f, 0x05, //                   syscall             leaves edi and rsi as they are
	0x85, 0xff, //                   test edi, edi       CLOCK_REALTIME is 0
	0x75, 0x0a, //                   jne over the next two
	0x48, 0x8b, 0x0d, 0x06, 0, 0, 0, // mov rcx, [rip+6] the number behind the code
	0x48, 0x01, 0x0e, //             add [rsi], rcx      to the seconds
	0xc3,       //             ret
	0x90, 0x90, //                   to a multiple of eight
	0, 0, 0, 0, 0, 0, 0, 0, //       the number, in seconds
}

// numberAt is where in the code the number lies.
const numberAt = 24

// errNoTurning says that this machine's clocks cannot be turned.
var errNoTurning = errors.New("a process's clock can be turned on linux/amd64 alone")

// startTurned starts a command whose clock can be turned.
func startTurned(cmd *exec.Cmd) (*clock, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, errNoTurning
	}
	// The kernel stops the process at its first instruction, for the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c, err := overwrite(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("writing over the process's clock: %w", err)
	}
	return c, nil
}

// overwrite puts the code in place and lets the process go.
func overwrite(pid int) (*clock, error) {
	var stopped syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &stopped, 0, nil); err != nil {
		return nil, err
	}
	if !stopped.Stopped() {
		return nil, errors.New("it did not stop at its start")
	}
	start, end, err := vdso(pid)
	if err != nil {
		return nil, err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	image := make([]byte, end-start)
	if _, err := memory.ReadAt(image, start); err != nil {
		return nil, err
	}
	offset, err := gettime(image)
	if err != nil {
		return nil, err
	}
	at := start + offset
	// rip-relative: the number is behind the code wherever the code is.
	if _, err := memory.WriteAt(turnedGettime, at); err != nil {
		return nil, err
	}
	return &clock{pid: pid, at: at + numberAt}, syscall.PtraceDetach(pid)
}

// vdso is where the kernel's shared object lies in a process.
func vdso(pid int) (start, end int64, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if line := lines.Text(); strings.HasSuffix(line, "[vdso]") {
			_, err = fmt.Sscanf(line, "%x-%x", &start, &end)
			return start, end, err
		}
	}
	return 0, 0, errors.New("the process has no vDSO")
}

// gettime is where clock_gettime lies in the vDSO.
func gettime(image []byte) (int64, error) {
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, fmt.Errorf("reading the vDSO: %w", err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("reading the vDSO: %w", err)
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" && s.Size >= uint64(len(turnedGettime)) {
			return int64(s.Value), nil
		}
	}
	return 0, errors.New("the vDSO has no clock_gettime with room for another")
}

// turn sets the process's clock so much off the true time, in whole seconds.
func (c *clock) turn(off time.Duration) error {
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", c.pid), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("turning the clock: %w", err)
	}
	defer memory.Close()
	number := binary.LittleEndian.AppendUint64(nil, uint64(int64(off/time.Second)))
	if _, err := memory.WriteAt(number, c.at); err != nil {
		return fmt.Errorf("turning the clock: %w", err)
	}
	return nil
}
