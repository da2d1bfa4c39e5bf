package vision

import (
	"encoding/binary"
	"iter"
)

// maxTags bounds the tags looked at; cameras write a few dozen.
const maxTags = 512

// exifOrientation reads the orientation out of a TIFF structure, which is what
// Exif is. Anything it does not understand means that the picture is upright
// already, as it does for viewers.
func exifOrientation(data []byte) orientation {
	const tagOrientation = 0x0112
	for tag := range tiffTags(data) {
		if tag.id != tagOrientation {
			continue
		}
		if tag.kind != typeShort || tag.value < 1 || tag.value > 8 {
			return 1
		}
		return orientation(tag.value)
	}
	return 1
}

// tiffTag is a tag that holds one number; value is 0 where it is of another type than
// these two.
type tiffTag struct {
	id, kind uint16
	value    uint32
}

const (
	typeShort = 3 // 16 bits
	typeLong  = 4 // 32 bits
)

// tiffTags yields the tags of a TIFF structure: an eight-byte header, then an image file directory of twelve-byte tags (TIFF
// 6.0, section 2; Exif 2.32, 4.6.4).
func tiffTags(data []byte) iter.Seq[tiffTag] {
	return func(yield func(tiffTag) bool) {
		if len(data) < 8 {
			return
		}
		var order binary.ByteOrder
		switch string(data[:4]) {
		case "II*\x00":
			order = binary.LittleEndian
		case "MM\x00*":
			order = binary.BigEndian
		default:
			return
		}
		at := int64(order.Uint32(data[4:]))
		if at+2 > int64(len(data)) {
			return
		}
		tags := data[at+2:]
		for range min(int(order.Uint16(data[at:])), maxTags, len(tags)/12) {
			tag := tiffTag{id: order.Uint16(tags), kind: order.Uint16(tags[2:])}
			switch tag.kind {
			case typeShort:
				tag.value = uint32(order.Uint16(tags[8:]))
			case typeLong:
				tag.value = order.Uint32(tags[8:])
			}
			if !yield(tag) {
				return
			}
			tags = tags[12:]
		}
	}
}
