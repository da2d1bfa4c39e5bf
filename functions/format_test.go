package functions

import "testing"

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
