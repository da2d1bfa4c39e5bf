package vision

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
)

// Boxes of ISO/IEC 14496-12: a length of 32 bits, a type of four letters, the body.
var errBox = errors.New("a box is not as its type says")

// boxes yields the boxes; the last one may be cut off.
func boxes(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
			kind := string(data[4:8])
			switch {
			case size == 0: // to the end
				size = uint64(len(data))
			case size == 1 && len(data) >= 16:
				size, head = binary.BigEndian.Uint64(data[8:]), 16
			}
			if size < head {
				return
			}
			end := min(size, uint64(len(data)))
			if !yield(kind, data[head:end]) {
				return
			}
			data = data[end:]
		}
	}
}

// fields reads numbers off a box, the high byte first. Where there are none left they are
// zero, and short says so.
type fields struct {
	data  []byte
	short bool
}

func (f *fields) uint(bytes int) uint64 {
	if len(f.data) < bytes {
		f.data, f.short = nil, true
		return 0
	}
	var n uint64
	for _, b := range f.data[:bytes] {
		n = n<<8 | uint64(b)
	}
	f.data = f.data[bytes:]
	return n
}

func (f *fields) skip(bytes int) {
	if len(f.data) < bytes {
		f.data, f.short = nil, true
		return
	}
	f.data = f.data[bytes:]
}

// full reads the version and the flags of a full box.
func (f *fields) full() (version int, flags uint64) {
	return int(f.uint(1)), f.uint(3)
}

func (f *fields) err() error {
	if f.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}
