package codec

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/seed45885407/saccade/runtime/vision"
)

// linear is the memory of one decoder. Its addresses are taken at once and never move;
// the system gives pages to those that are used, and has all of them back with Free.
type linear struct {
	most    uint64
	mapped  []byte
	refused bool
}

// newLinear takes the addresses. What it returns is to be freed.
func newLinear(most int64) (*linear, error) {
	mapped, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("taking addresses for a decoder: %w", err)
	}
	return &linear{most: uint64(most), mapped: mapped}, nil
}

// Allocate satisfies experimental.MemoryAllocator.
func (l *linear) Allocate(uint64, uint64) experimental.LinearMemory { return l }

// Reallocate is nil for more than there may be.
func (l *linear) Reallocate(size uint64) []byte {
	if size > l.most {
		l.refused = true
		return nil
	}
	return l.mapped[:size:l.most]
}

// Free gives the memory back. Calling it again does nothing.
func (l *linear) Free() {
	if l.mapped != nil {
		_ = syscall.Munmap(l.mapped) // what was mapped can be unmapped
		l.mapped = nil
	}
}

// blame says of a failure that it is for want of memory, where it is.
func (l *linear) blame(err error) error {
	if err != nil && l.refused {
		return errors.Join(vision.ErrTooMuch, err)
	}
	return err
}
