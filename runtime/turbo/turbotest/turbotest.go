//go:build cgo

// Package turbotest has the yardstick of decoding: what libjpeg-turbo does by itself
// where it is asked for a picture that covers a network's input, which is to scale a
// JPEG by eighths while decoding it, and to convert it to RGB. Benchmarks compare
// with it; the product has no use for it.
package turbotest

// #cgo linux LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
//
// typedef struct {
//   void *(*init)(void);
//   int (*destroy)(void *);
//   int (*decompress)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
// } yard;
//
// static int yard_open(yard *y, const char *name) {
//   void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
//   if (!library) return -1;
//   *(void **)&y->init = dlsym(library, "tjInitDecompress");
//   *(void **)&y->destroy = dlsym(library, "tjDestroy");
//   *(void **)&y->decompress = dlsym(library, "tjDecompress2");
//   return y->init && y->destroy && y->decompress ? 0 : -1;
// }
//
// static int yard_scaled(yard *y, const unsigned char *jpeg, unsigned long size, unsigned char *rgb, int width, int height) {
//   void *handle = y->init();
//   int status = y->decompress(handle, jpeg, size, rgb, width, 0, height, 0, 0);
//   y->destroy(handle);
//   return status;
// }
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"github.com/seed45885407/saccade/runtime/turbo/library"
)

// Yardstick decodes as libjpeg-turbo does by itself.
type Yardstick struct {
	yard C.yard
	rgb  []byte
}

// Open opens the library that package turbo would, for good.
func Open(named string) (*Yardstick, error) {
	y := new(Yardstick)
	names := library.Names(named)
	for _, name := range names {
		c := C.CString(name)
		status := C.yard_open(&y.yard, c)
		C.free(unsafe.Pointer(c))
		if status == 0 {
			return y, nil
		}
	}
	return nil, fmt.Errorf("no libjpeg-turbo in %q", names)
}

// Decode decodes the JPEG of the given size to RGB, at the fewest eighths of it that
// cover a picture letterboxed into a square of side pixels.
func (y *Yardstick) Decode(data []byte, size image.Point, side int) error {
	eighths := min(8, (8*side+max(size.X, size.Y)-1)/max(size.X, size.Y))
	width, height := (size.X*eighths+7)/8, (size.Y*eighths+7)/8
	if need := 3 * width * height; cap(y.rgb) < need {
		y.rgb = make([]byte, need)
	}
	status := C.yard_scaled(&y.yard, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)),
		(*C.uchar)(unsafe.Pointer(&y.rgb[0])), C.int(width), C.int(height))
	if status != 0 {
		return fmt.Errorf("decoding at %d/8 failed", eighths)
	}
	return nil
}
