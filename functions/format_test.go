package functions

import (
	"strings"
	"testing"
)

func TestFormatOfLooksAtTheFirstBytesAlone(t *testing.T) {
	for name, tt := range map[string]struct{ head, want string }{
		"JPEG":                       {"\xff\xd8\xff\xe0", "jpeg"},
		"PNG":                        {"\x89PNG\r\n\x1a\n", "png"},
		"GIF of either year":         {"GIF87a", "gif"},
		"WebP":                       {"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp"},
		"BMP":                        {"BM\x10\x00\x00\x00\x00\x00\x00\x00\x36", "bmp"},
		"TIFF, little end first":     {"II*\x00\x08", "tiff"},
		"TIFF, big end first":        {"MM\x00*\x00", "tiff"},
		"a word that begins as BMP":  {"BMW is a car maker", ""},
		"another RIFF":               {"RIFF\x10\x00\x00\x00WAVEfmt ", ""},
		"a PNG that is only promise": {"\x89PN", ""},
		"AVIF by its major brand":    {"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miaf", "avif"},
		"AVIF, a sequence":           {"\x00\x00\x00\x1cftypavis\x00\x00\x00\x00msf1miaf", "avif"},
		"AVIF by a compatible brand": {"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avif", "avif"},
		"HEIC":                       {"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1", ""},
		"JPEG XL, bare":              {"\xff\x0a\x00", "jxl"},
		"JPEG XL in boxes":           {"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl ", "jxl"},
		"SVG":                        {"<svg xmlns=", ""},
		"nothing":                    {"", ""},
	} {
		if got := FormatOf([]byte(tt.head)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if len(tt.head) > FormatBytes && FormatOf([]byte(tt.head)[:FormatBytes]) != tt.want {
			t.Errorf("%s: %d bytes are not enough", name, FormatBytes)
		}
	}
}

func TestAFormatThatIsNotReadIsNamed(t *testing.T) {
	for name, tt := range map[string]struct{ head, want string }{
		"AVIF, which is read":       {"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miaf", ""},
		"HEIC by a compatible one":  {"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00heic", "HEIC"},
		"an unknown brand":          {"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00iso2", "a video"},
		"JPEG XL, which is read":    {"\xff\x0a\x00", ""},
		"SVG behind its prologue":   {"<?xml version='1.0'?>\n<svg xmlns=", "SVG"},
		"SVG too far behind it":     {"<?xml version='1.0'?>" + strings.Repeat(" ", ForeignBytes) + "<svg xmlns=", ""},
		"a PNG, which is read":      {"\x89PNG\r\n\x1a\n", ""},
		"a box of a few bytes":      {"\x00\x00\x00\x08ftyp", ""},
		"a box longer than is told": {"\x00\x00\xff\xffftypmif1\x00\x00\x00\x00av", "HEIF"},
		"nothing":                   {"", ""},
	} {
		if got := ForeignFormat([]byte(tt.head)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzForeignFormat(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00heic"))
	f.Add([]byte("P6 3 4"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if name := ForeignFormat(head); name != "" && len(head) == 0 {
			t.Errorf("nothing is %s", name)
		}
	})
}
