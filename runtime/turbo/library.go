//go:build cgo

package turbo

// #cgo linux LDFLAGS: -ldl
// #cgo noescape turbo_read_header
// #cgo nocallback turbo_read_header
// #cgo noescape turbo_read_planes
// #cgo nocallback turbo_read_planes
// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"fmt"
	"image"
	"strings"
	"unsafe"
)

// faultRoom is how long a fault's text can be; TurboJPEG's own are at most 200.
const faultRoom = 256

// Library is libjpeg-turbo. It is safe for use by several goroutines.
type Library struct {
	handle unsafe.Pointer
	api    C.turbo_api
}

// Open opens the shared library: a path, or a bare name that the system looks for
// in its own folders.
func Open(path string) (*Library, error) {
	l := new(Library)
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var fault [faultRoom]byte
	l.handle = C.turbo_open(name, &l.api, (*C.char)(unsafe.Pointer(&fault[0])), faultRoom)
	if l.handle == nil {
		return nil, fmt.Errorf("opening libjpeg-turbo: %s", text(fault[:]))
	}
	return l, nil
}

// Close unloads the library. No Decode may be running, and none may follow.
func (l *Library) Close() error {
	C.turbo_close(l.handle)
	l.handle = nil
	return nil
}

// Decode decodes a JPEG of the given size, which its header must have, to 1/shrink
// of it, where shrink is 1, 2, 4 or 8. It writes the planes in the memory that
// planes has, where that is enough. A grey JPEG has luma alone: Cb and Cr are empty.
//
// An error says nothing of the JPEG but that image/jpeg should look at it.
func (l *Library) Decode(planes *image.YCbCr, data []byte, size image.Point, shrink int) error {
	if len(data) == 0 || shrink != 1 && shrink != 2 && shrink != 4 && shrink != 8 {
		return fmt.Errorf("%d bytes, shrunk by %d: %w", len(data), shrink, errRefused)
	}
	var (
		head  C.turbo_head
		fault [faultRoom]byte
		said  = (*C.char)(unsafe.Pointer(&fault[0]))
		jpeg  = (*C.uchar)(unsafe.Pointer(&data[0]))
		bytes = C.ulong(len(data))
	)
	if C.turbo_read_header(&l.api, jpeg, bytes, &head, said, faultRoom) != 0 {
		return fmt.Errorf("reading the header: %s: %w", text(fault[:]), errRefused)
	}
	if got := image.Pt(int(head.width), int(head.height)); got != size {
		return fmt.Errorf("the JPEG is %v, not %v: %w", got, size, errRefused)
	}
	if head.colours != coloursYUV && head.colours != coloursGrey {
		return fmt.Errorf("colour space %d: %w", head.colours, errRefused)
	}
	if err := layout(planes, size, shrink, int(head.subsampling)); err != nil {
		return err
	}
	if C.turbo_read_planes(
		&l.api, jpeg, bytes, C.int(planes.Rect.Dx()), C.int(planes.Rect.Dy()),
		samples(planes.Y), samples(planes.Cb), samples(planes.Cr), C.int(planes.YStride), C.int(planes.CStride),
		said, faultRoom,
	) != 0 {
		return fmt.Errorf("decoding: %s: %w", text(fault[:]), errRefused)
	}
	return nil
}

func samples(plane []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(plane))) }

func text(fault []byte) string {
	said, _, _ := strings.Cut(string(fault), "\x00")
	return strings.TrimSpace(said)
}
