//go:build !cgo

package turbo

import (
	"errors"
	"image"
)

// Library is libjpeg-turbo, which takes cgo: there is none of this type.
type Library struct{}

var errNoCgo = errors.New("opening libjpeg-turbo: this program is built without cgo")

// Open fails.
func Open(string) (*Library, error) { return nil, errNoCgo }

// Close does nothing.
func (*Library) Close() error { return nil }

// Decode fails.
func (*Library) Decode(*image.YCbCr, []byte, image.Point, int) error { return errNoCgo }
