// Package turbo decodes JPEGs with libjpeg-turbo, several times as fast as
// image/jpeg: it receives the path of the shared library, which it opens at run
// time, and a JPEG's bytes, and hands on the planes the JPEG stores, at its size or
// at a half, a quarter or an eighth of it.
//
// It refuses, with an error, everything that is not a plain JPEG without fault:
// what libjpeg-turbo only warns of, a size other than the one that its caller has
// judged, colours that are neither YCbCr nor grey. Its caller then has image/jpeg
// decode or refuse, so that a picture means the same on every machine. Built
// without cgo it opens nothing.
package turbo

import (
	"errors"
	"fmt"
	"image"
)

// errRefused is what a JPEG is that only image/jpeg can judge.
var errRefused = errors.New("not a JPEG for libjpeg-turbo")

// ratios are image's names for TurboJPEG's subsamplings (enum TJSAMP), but for
// TJSAMP_GRAY, which is 3 and has no chroma, and for those image has no name for.
var ratios = map[int]image.YCbCrSubsampleRatio{
	0: image.YCbCrSubsampleRatio444,
	1: image.YCbCrSubsampleRatio422,
	2: image.YCbCrSubsampleRatio420,
	4: image.YCbCrSubsampleRatio440,
	5: image.YCbCrSubsampleRatio411,
}

// TurboJPEG's numbers (enums TJSAMP and TJCS).
const (
	samplesGrey = 3
	coloursYUV  = 1
	coloursGrey = 2
)

// layout gives planes the size of a JPEG of size, shrunk: width and height are
// rounded up. The memory planes has is used again where it is enough. The
// luma's memory covers whole chroma samples, which is what TurboJPEG writes.
func layout(planes *image.YCbCr, size image.Point, shrink, subsampling int) error {
	width, height := (size.X+shrink-1)/shrink, (size.Y+shrink-1)/shrink
	ratio, known := ratios[subsampling]
	grey := subsampling == samplesGrey
	if !known && !grey {
		return fmt.Errorf("subsampling %d: %w", subsampling, errRefused)
	}
	stepX, stepY := 1, 1
	switch ratio {
	case image.YCbCrSubsampleRatio422:
		stepX = 2
	case image.YCbCrSubsampleRatio420:
		stepX, stepY = 2, 2
	case image.YCbCrSubsampleRatio440:
		stepY = 2
	case image.YCbCrSubsampleRatio411:
		stepX = 4
	}
	chromaWidth, chromaHeight := (width+stepX-1)/stepX, (height+stepY-1)/stepY
	luma, chroma := chromaWidth*stepX*chromaHeight*stepY, chromaWidth*chromaHeight
	if grey {
		ratio, chromaWidth, chroma = image.YCbCrSubsampleRatio444, 0, 0
	}
	*planes = image.YCbCr{
		Y: sized(planes.Y, luma), Cb: sized(planes.Cb, chroma), Cr: sized(planes.Cr, chroma),
		YStride: (width + stepX - 1) / stepX * stepX, CStride: chromaWidth,
		SubsampleRatio: ratio, Rect: image.Rect(0, 0, width, height),
	}
	return nil
}

func sized(s []byte, n int) []byte {
	if cap(s) < n {
		return make([]byte, n)
	}
	return s[:n]
}
