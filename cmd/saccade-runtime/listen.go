package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// listen opens what --listen names.
func listen(address string) (net.Listener, error) {
	l, err := open(address)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", address, err)
	}
	return l, nil
}

func open(address string) (net.Listener, error) {
	if number, is := strings.CutPrefix(address, "fd:"); is {
		fd, err := strconv.Atoi(number)
		if err != nil || fd < 0 {
			return nil, errors.New("fd: is followed by a number")
		}
		file := os.NewFile(uintptr(fd), "listener")
		defer file.Close() // the listener has its own copy
		return net.FileListener(file)
	}
	if path, is := strings.CutPrefix(address, "unix:"); is {
		l, err := net.Listen("unix", path)
		if errors.Is(err, syscall.EADDRINUSE) && deserted(path) {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
			return net.Listen("unix", path)
		}
		return l, err
	}
	return net.Listen("tcp", address)
}

// deserted tells a socket that a killed process has left behind.
func deserted(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
