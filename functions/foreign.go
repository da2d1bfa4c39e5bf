package functions

import "bytes"

// ForeignFormat is the name of a format that is known by its first bytes and not read,
// "" for all else: whoever sent one is told what it is. HEIC is HEVC, which is no one's to
// give away, and the rest is rare.
func ForeignFormat(head []byte) string {
	head = head[:min(len(head), ForeignBytes)]
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x00\x00\x00\x0cjP  \r\n\x87\n"), starts("\xff\x4f\xff\x51"):
		return "JPEG 2000"
	case starts("8BPS"):
		return "Photoshop"
	case starts("\x00\x00\x01\x00"):
		return "ICO"
	case starts("%PDF-"):
		return "PDF"
	case starts("qoif"):
		return "QOI"
	case len(head) > 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' &&
		(head[2] == '\n' || head[2] == ' ') && (head[3] == '#' || head[3] >= '0' && head[3] <= '9'):
		return "PNM"
	case len(head) >= 16 && string(head[4:8]) == "ftyp":
		if name := brand(head); name != "AVIF" || FormatOf(head) == "" {
			return name
		}
		return ""
	}
	text := bytes.TrimLeft(head, "\ufeff \t\r\n")
	if bytes.HasPrefix(text, []byte("<svg")) || bytes.HasPrefix(text, []byte("<?xml")) && bytes.Contains(text, []byte("<svg")) {
		return "SVG"
	}
	return ""
}

// brand tells the formats apart whose files start with a box of type ftyp (ISO/IEC
// 14496-12, 4.3): the major brand, a version, then compatible brands.
func brand(head []byte) string {
	if len(head) < 16 {
		return ""
	}
	size := min(int(head[2])<<8|int(head[3]), len(head), 256)
	names := map[string]string{
		"avif": "AVIF", "avis": "AVIF",
		"heic": "HEIC", "heix": "HEIC", "hevc": "HEIC", "heim": "HEIC", "heis": "HEIC",
	}
	for at := 8; at+4 <= size; at += 4 {
		if name, known := names[string(head[at:at+4])]; known && at != 12 {
			return name
		}
	}
	if major := string(head[8:12]); major == "mif1" || major == "msf1" {
		return "HEIF"
	}
	return "a video"
}
