package vision

import (
	"fmt"
	"image"
)

// Colours say what the samples of planes mean, in the numbers of ISO/IEC 23091-2.
type Colours struct {
	// Matrix is how red, green and blue became the planes: 6 BT.601, 1 BT.709, 9 BT.2020,
	// 0 not at all, 2 unsaid, which is taken for BT.601.
	Matrix int
	// Full says that a sample goes from 0 to 255; else luma goes from 16 to 235, and
	// chroma from 16 to 240.
	Full bool
}

// plain makes an image of planes that means what the types of package image mean: full
// range, BT.601. Planes of that matrix stay planes, and are changed in place.
func (c Colours) plain(img image.Image) (image.Image, error) {
	planes, coloured := img.(*image.YCbCr)
	if grey, is := img.(*image.Gray); is {
		if !c.Full {
			stretch(grey.Pix, 16, 219, 0)
		}
		return grey, nil
	}
	if !coloured {
		return nil, fmt.Errorf("planes of %T: %w", img, errUnsupported)
	}
	if c.Matrix == 0 && planes.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		return nil, fmt.Errorf("red and blue at half size: %w", errUnsupported)
	}
	if !c.Full {
		stretch(planes.Y, 16, 219, 0)
		if c.Matrix == 0 { // all three are as luma
			stretch(planes.Cb, 16, 219, 0)
			stretch(planes.Cr, 16, 219, 0)
		} else {
			stretch(planes.Cb, 128, 224, 128)
			stretch(planes.Cr, 128, 224, 128)
		}
	}
	switch c.Matrix {
	case 2, 5, 6:
		return planes, nil
	case 0:
		return fromGBR(planes), nil
	case 1:
		return fromMatrix(planes, 0.2126, 0.0722), nil
	case 9:
		return fromMatrix(planes, 0.2627, 0.0593), nil
	}
	return nil, fmt.Errorf("matrix coefficients %d: %w", c.Matrix, errUnsupported)
}

// stretch takes samples that go over extent steps around zero to 255 steps around to.
func stretch(samples []byte, zero, extent, to int) {
	var table [256]byte
	for v := range table {
		scaled := (v - zero) * 255
		half := extent / 2
		if scaled < 0 {
			half = -half
		}
		table[v] = byte(min(255, max(0, to+(scaled+half)/extent)))
	}
	for i, v := range samples {
		samples[i] = table[v]
	}
}

// fromGBR puts together what are green, blue and red planes.
func fromGBR(p *image.YCbCr) *image.NRGBA {
	img := image.NewNRGBA(p.Rect)
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			i := y*p.YStride + x
			copy(img.Pix[y*img.Stride+4*x:], []byte{p.Cr[i], p.Y[i], p.Cb[i], 255})
		}
	}
	return img
}

// fromMatrix makes colours of planes whose luma has such shares of red and of blue
// (ISO/IEC 23091-2, 8.3).
func fromMatrix(p *image.YCbCr, red, blue float64) *image.NRGBA {
	const one = 1 << 16
	green := 1 - red - blue
	toRed, toBlue := int32(2*(1-red)*one), int32(2*(1-blue)*one)
	redToGreen, blueToGreen := int32(2*(1-red)*red/green*one), int32(2*(1-blue)*blue/green*one)
	byteOf := func(v int32) byte { return byte(min(255, max(0, (v+one/2)>>16))) }
	img := image.NewNRGBA(p.Rect)
	for y := range p.Rect.Dy() {
		row := img.Pix[y*img.Stride:]
		for x := range p.Rect.Dx() {
			luma := int32(p.Y[y*p.YStride+x]) * one
			at := p.COffset(x, y)
			cb, cr := int32(p.Cb[at])-128, int32(p.Cr[at])-128
			pixel := row[4*x:][:4:4]
			pixel[0] = byteOf(luma + toRed*cr)
			pixel[1] = byteOf(luma - redToGreen*cr - blueToGreen*cb)
			pixel[2] = byteOf(luma + toBlue*cb)
			pixel[3] = 255
		}
	}
	return img
}
