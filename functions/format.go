package functions

// FormatBytes is how many of a picture's first bytes FormatOf looks at, and
// ForeignBytes how many ForeignFormat does.
const (
	FormatBytes  = 64
	ForeignBytes = 512
)

// FormatOf is the picture format that the first bytes announce: jpeg, png, gif,
// webp, avif, jxl, bmp or tiff, the formats that are read; "" for all else. It looks at the
// magic numbers alone, so the gateway can turn away what is no picture before it
// costs anything; only decoding tells whether the rest keeps the promise.
func FormatOf(head []byte) string {
	starts := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case starts(0, "\xff\xd8\xff"):
		return "jpeg"
	case starts(0, "\x89PNG\r\n\x1a\n"):
		return "png"
	case starts(0, "GIF87a"), starts(0, "GIF89a"):
		return "gif"
	case starts(0, "RIFF") && starts(8, "WEBP"):
		return "webp"
	case starts(4, "ftyp"):
		if brand(head[:min(len(head), FormatBytes)]) == "AVIF" {
			return "avif"
		}
	case starts(0, "\xff\x0a"), starts(0, "\x00\x00\x00\x0cJXL \r\n\x87\n"):
		return "jxl"
	case starts(0, "BM") && starts(6, "\x00\x00\x00\x00"):
		// Two letters are little to go by: the four reserved bytes must be zero too.
		return "bmp"
	case starts(0, "II*\x00"), starts(0, "MM\x00*"):
		return "tiff"
	}
	return ""
}

// Formats are the formats that are read, as a sentence names them.
const Formats = "JPEG, PNG, GIF, WebP, AVIF, JPEG XL, BMP and TIFF"
