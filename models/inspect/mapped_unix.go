//go:build unix

package inspect

import (
	"os"
	"syscall"
)

// mapped is the content of f without reading it: pages come as they are touched.
func mapped(f *os.File, size int) (content []byte, release func(), err error) {
	content, err = syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return content, func() { _ = syscall.Munmap(content) }, nil
}
