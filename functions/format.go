package functions

import "bytes"

// FormatBytes is how many of a picture's first bytes FormatOf looks at.
const FormatBytes = 16

// FormatOf is the picture format that the first bytes announce: jpeg, png, gif,
// webp, bmp or tiff, the formats that are read; "" for all else. It looks at the
// magic numbers alone, so the gateway can turn away what is no picture before it
// costs anything; only decoding tells whether the rest keeps the promise.
func FormatOf(head []byte) string {
	for _, magic := range magics {
		if len(head) >= magic.at+len(magic.bytes) && bytes.HasPrefix(head, magic.prefix) &&
			bytes.Equal(head[magic.at:magic.at+len(magic.bytes)], magic.bytes) {
			return magic.format
		}
	}
	return ""
}

// Formats are the formats that are read, as a sentence names them.
const Formats = "JPEG, PNG, GIF, WebP, BMP and TIFF"

var magics = []struct {
	format        string
	prefix, bytes []byte
	at            int
}{
	{"jpeg", nil, []byte("\xff\xd8\xff"), 0},
	{"png", nil, []byte("\x89PNG\r\n\x1a\n"), 0},
	{"gif", nil, []byte("GIF87a"), 0},
	{"gif", nil, []byte("GIF89a"), 0},
	{"webp", []byte("RIFF"), []byte("WEBP"), 8},
	{"bmp", nil, []byte("BM"), 0},
	{"tiff", nil, []byte("II*\x00"), 0},
	{"tiff", nil, []byte("MM\x00*"), 0},
}
