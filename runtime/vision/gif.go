package vision

import (
	"bytes"
	"image"
	"image/gif"
)

func gifHeader(data []byte) (header, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	return header{width: config.Width, height: config.Height, orientation: 1}, err
}

// gifPixels decodes the first frame alone, and no byte behind it.
func gifPixels(data []byte, head header) (image.Image, error) {
	first, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return onCanvas(first, first.Bounds().Min, head), nil
}
