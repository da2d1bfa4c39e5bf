package vision

import (
	"bytes"
	"errors"
	"image"
	"image/color"

	"golang.org/x/image/tiff"
)

func tiffHeader(data []byte) (header, error) {
	config, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	head := header{width: config.Width, height: config.Height, orientation: exifOrientation(data)}
	head.memory = head.takes(pixelBytes(config.ColorModel)) + tiffBlock(data, head)
	return head, nil
}

// Tags and values of TIFF 6.0, section 8 and appendix A.
const (
	tagCompression  = 259
	tagRowsPerStrip = 278
	tagTileWidth    = 322
	tagTileLength   = 323

	uncompressed = 1
	groupThree   = 3
	groupFour    = 4
)

// tiffBlock is what a strip or tile takes beside the picture when it is unpacked: the
// decoder lets its stream become 8 bytes a pixel, whatever the picture needs, in a
// buffer that doubles and is copied. Those of a fax become a bit a pixel.
func tiffBlock(data []byte, head header) float64 {
	width, height, perPixel := float64(head.width), float64(head.height), 3*8.0
	for tag := range tiffTags(data) {
		switch tag.id {
		case tagCompression:
			switch tag.value {
			case uncompressed:
				perPixel = 0 // what is in the file
			case groupThree, groupFour:
				perPixel = 3. / 8
			}
		case tagTileWidth:
			width = float64(tag.value)
		case tagRowsPerStrip:
			height = min(height, float64(tag.value))
		case tagTileLength:
			height = float64(tag.value)
		}
	}
	return perPixel * width * height
}

func tiffPixels(data []byte, head header) (image.Image, error) {
	if err := head.worth("TIFF", data); err != nil {
		return nil, err
	}
	img, err := tiff.Decode(&thrifty{Reader: bytes.NewReader(data), left: 4*len(data) + 1<<20})
	if err != nil {
		return nil, err
	}
	// Alpha that the file says is multiplied in comes as RGBA: the colour is wanted
	// without it.
	switch img := img.(type) {
	case *image.RGBA:
		if !img.Opaque() {
			unmultiply(img)
		}
	case *image.RGBA64:
		if !img.Opaque() {
			unmultiply64(img)
		}
	}
	return img, nil
}

// thrifty is a reader that a TIFF may read only a few times over. A TIFF names
// its tiles by offset: a file whose every tile is the same megabytes of nothing
// would keep the decoder busy for hours.
type thrifty struct {
	*bytes.Reader
	left int
}

var errThrift = errors.New("the same bytes are read again and again")

func (t *thrifty) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.Reader.ReadAt(p, off)
	if t.left -= n; t.left < 0 {
		return 0, errThrift
	}
	return n, err
}

func unmultiply(img *image.RGBA) {
	for i := 0; i+4 <= len(img.Pix); i += 4 {
		p := img.Pix[i : i+4 : i+4]
		c := color.NRGBAModel.Convert(color.RGBA{R: p[0], G: p[1], B: p[2], A: p[3]}).(color.NRGBA)
		p[0], p[1], p[2], p[3] = c.R, c.G, c.B, 0xff
	}
}

func unmultiply64(img *image.RGBA64) {
	for i := 0; i+8 <= len(img.Pix); i += 8 {
		p := img.Pix[i : i+8 : i+8]
		alpha := uint32(p[6])<<8 | uint32(p[7])
		for c := 0; c < 6 && alpha > 0; c += 2 {
			v := min(0xffff, (uint32(p[c])<<8|uint32(p[c+1]))*0xffff/alpha)
			p[c], p[c+1] = uint8(v>>8), uint8(v)
		}
		p[6], p[7] = 0xff, 0xff
	}
}
