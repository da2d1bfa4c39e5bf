//go:build !cgo

// Package turbotest has the yardstick of decoding, which takes cgo.
package turbotest

import (
	"errors"
	"image"
)

// Yardstick needs cgo.
type Yardstick struct{}

var errNoCgo = errors.New("libjpeg-turbo takes cgo")

// Open fails.
func Open(string) (*Yardstick, error) { return nil, errNoCgo }

// Decode fails.
func (*Yardstick) Decode([]byte, image.Point, int) error { return errNoCgo }
