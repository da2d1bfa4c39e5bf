package vision

import "bytes"

// foreign is the name of a picture format that is known by its first bytes and not
// read, "" for all else: whoever sent one is told what it is. For AVIF, HEIC and JPEG
// XL it takes a video or picture codec in C of many times the size of everything else
// here, and the rest is rare.
func foreign(data []byte) string {
	starts := func(magic string) bool { return bytes.HasPrefix(data, []byte(magic)) }
	switch {
	case starts("\xff\x0a"), starts("\x00\x00\x00\x0cJXL \r\n\x87\n"):
		return "JPEG XL"
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
	case len(data) > 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' &&
		(data[2] == '\n' || data[2] == ' ') && (data[3] == '#' || data[3] >= '0' && data[3] <= '9'):
		return "PNM"
	case len(data) >= 16 && string(data[4:8]) == "ftyp":
		// ISO/IEC 14496-12, 4.3: the major brand, a version, then compatible brands.
		return brand(data)
	}
	text := bytes.TrimLeft(data[:min(len(data), 512)], "\ufeff \t\r\n")
	if bytes.HasPrefix(text, []byte("<svg")) || bytes.HasPrefix(text, []byte("<?xml")) && bytes.Contains(text, []byte("<svg")) {
		return "SVG"
	}
	return ""
}

// brand tells the formats apart whose files start with a box of type ftyp.
func brand(data []byte) string {
	size := min(int(data[2])<<8|int(data[3]), len(data), 256)
	names := map[string]string{
		"avif": "AVIF", "avis": "AVIF",
		"heic": "HEIC", "heix": "HEIC", "hevc": "HEIC", "heim": "HEIC", "heis": "HEIC",
	}
	for at := 8; at+4 <= size; at += 4 {
		if name, known := names[string(data[at:at+4])]; known && at != 12 {
			return name
		}
	}
	if major := string(data[8:12]); major == "mif1" || major == "msf1" {
		return "HEIF"
	}
	return "a video"
}
