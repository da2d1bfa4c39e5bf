package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
)

// JPEG markers, ITU-T T.81 table B.1.
const (
	markerSOF0 = 0xc0
	markerSOF1 = 0xc1
	markerSOF2 = 0xc2
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP1 = 0xe1
	markerAPP2 = 0xe2
	markerTEM  = 0x01
)

// maxScans bounds the scans of a JPEG. Encoders write a dozen at most, but a
// scan of a progressive JPEG can be a hundred bytes that make the decoder visit
// every block of the picture: a file of 20 MB could keep it busy for hours.
const maxScans = 50

// maxScanned bounds scans times pixels: a JPEG of 50 megapixels may have 16 scans,
// one of 16 may have 50.
const maxScanned = 16 * DefaultMaxPixels

func jpegHeader(data []byte) (header, error) {
	head := header{orientation: 1}
	marks, err := walkJPEG(data)
	if err != nil {
		return head, err
	}
	head.scans = marks.scans
	if marks.exif != nil {
		head.orientation = exifOrientation(marks.exif)
	}
	// A profile that is not understood is passed over, as most viewers do.
	head.profile, _ = parseProfile(marks.icc)
	// image/jpeg judges the frame header, so that there is one opinion about it.
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return head, err
	}
	head.width, head.height = config.Width, config.Height
	head.memory = head.takes(marks.bytesPerPixel)
	return head, nil
}

// jpegWorth refuses what is not worth the memory of its pixels, or the time.
func jpegWorth(data []byte, head header) error {
	// Every 8x8 block of the first component costs a bit at the very least, so a
	// few hundred bytes that claim millions of pixels need no memory to be refused.
	if blocks := ((head.width + 7) / 8) * ((head.height + 7) / 8); len(data) < blocks/8 {
		return errShort
	}
	if pixels := head.width * head.height; pixels > maxScanned/max(1, head.scans) {
		return fmt.Errorf("%d scans of %d pixels: %w", head.scans, pixels, errUnsupported)
	}
	return head.worth("JPEG", data)
}

func jpegPixels(data []byte, head header) (image.Image, error) {
	if err := jpegWorth(data, head); err != nil {
		return nil, err
	}
	// A picture whose every block is there but whose end marker is not is whole; one
	// cut off earlier still fails, for the marker comes in the middle of a block.
	end := bytes.NewReader([]byte{0xff, markerEOI})
	return jpeg.Decode(io.MultiReader(bytes.NewReader(data), end))
}

// jpegMarks is what a walk over a JPEG's markers finds.
type jpegMarks struct {
	// exif is the TIFF structure in the first Exif APP1 segment, or nil.
	exif []byte
	// icc is the colour profile, put together from its APP2 segments.
	icc []byte
	// scans is how many there are.
	scans int
	// bytesPerPixel is what image/jpeg takes: a byte a sample, and where the JPEG is
	// progressive four more for its coefficients.
	bytesPerPixel float64
}

// walkJPEG goes from marker to marker over the whole file. It fails on coding
// processes that are not read, and on more scans than anyone needs; on damage it
// stops, and leaves it to the decoder to tell.
func walkJPEG(data []byte) (marks jpegMarks, err error) {
	for at := 2; at+4 <= len(data); {
		next := bytes.IndexByte(data[at:], 0xff)
		if next < 0 {
			break
		}
		at += next + 1
		if at+3 > len(data) {
			break
		}
		marker := data[at]
		if marker == 0xff {
			continue // a fill byte: the marker is still to come
		}
		at++
		switch {
		case marker == markerEOI:
			return marks, nil
		case marker == 0, marker == markerTEM, marker >= 0xd0 && marker <= markerSOI:
			continue // a stuffed zero or a marker without a segment
		case marker >= 0xc3 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return marks, fmt.Errorf("lossless, hierarchical or arithmetic coding (SOF%d): %w", marker-0xc0, errUnsupported)
		}
		size := int(binary.BigEndian.Uint16(data[at:]))
		segment := data[min(at+2, len(data)):min(at+max(size, 2), len(data))]
		switch marker {
		case markerSOF0, markerSOF1:
			marks.bytesPerPixel = samplesPerPixel(segment)
		case markerSOF2:
			marks.bytesPerPixel = 5 * samplesPerPixel(segment)
		case markerSOS:
			if marks.scans++; marks.scans > maxScans {
				return marks, fmt.Errorf("more than %d scans: %w", maxScans, errUnsupported)
			}
		case markerAPP1:
			if tiff, is := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); is && marks.exif == nil {
				marks.exif = tiff
			}
		case markerAPP2:
			// Behind the name come the part's number and the number of parts (ICC.1:2022,
			// B.4); they are written in order.
			part, is := bytes.CutPrefix(segment, []byte("ICC_PROFILE\x00"))
			if is && len(part) > 2 && len(marks.icc)+len(part) <= maxProfile {
				marks.icc = append(marks.icc, part[2:]...)
			}
		}
		at += max(size, 2)
	}
	return marks, nil
}

// samplesPerPixel reads a frame header's sampling factors (ITU-T T.81, B.2.2): 1.5 is
// usual. What is not one has 0; image/jpeg says so.
func samplesPerPixel(frame []byte) float64 {
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) {
		return 0
	}
	var most, mostH, mostV int
	for component := range int(frame[5]) {
		factors := int(frame[7+3*component])
		h, v := factors>>4, factors&15
		most, mostH, mostV = most+h*v, max(mostH, h), max(mostV, v)
	}
	return float64(most) / float64(max(1, mostH*mostV))
}
