package vision

import "encoding/binary"

// maxTags bounds the tags looked at; cameras write a few dozen.
const maxTags = 512

// exifOrientation reads the orientation out of a TIFF structure, which is what
// Exif is: an eight-byte header, then an image file directory of twelve-byte tags
// (TIFF 6.0, section 2; Exif 2.32, 4.6.4). Anything it does not understand means
// that the picture is upright already, as it does for viewers.
func exifOrientation(data []byte) orientation {
	const tagOrientation, typeShort = 0x0112, 3
	if len(data) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(data[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 1
	}
	tags := data[at+2:]
	for range min(int(order.Uint16(data[at:])), maxTags, len(tags)/12) {
		if order.Uint16(tags) == tagOrientation {
			o := orientation(order.Uint16(tags[8:]))
			if order.Uint16(tags[2:]) != typeShort || o < 1 || o > 8 {
				return 1
			}
			return o
		}
		tags = tags[12:]
	}
	return 1
}
