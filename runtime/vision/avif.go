package vision

import (
	"fmt"
	"image"
)

// avifGenerous is what the sandbox of a decoder of AV1 may have for a pixel: twice what
// the largest of samples takes.
const avifGenerous = 20

// avifHeader reads the container itself, AV1 Image File Format 1.1 in a HEIF file: the
// primary item, which of a sequence is its first picture as a rule. Alpha is an item of
// its own, and is dropped. A grid of several pictures, and a part cut out of one, are not
// read.
func avifHeader(data []byte) (header, error) {
	head := header{orientation: 1}
	it, err := primaryItem(data)
	if err != nil {
		return head, err
	}
	if it.kind != "av01" {
		return head, fmt.Errorf("an item of type %q: %w", it.kind, errUnsupported)
	}
	head.frame.data = it.data
	var av1C []byte
	for _, p := range it.properties {
		f := fields{data: p.body}
		switch p.kind {
		case "ispe":
			f.full()
			head.width, head.height = int(f.uint(4)), int(f.uint(4))
		case "av1C":
			av1C = p.body
		case "irot":
			head.orientation = head.orientation.then([4]orientation{1, 8, 3, 6}[f.uint(1)&3])
		case "imir":
			head.orientation = head.orientation.then([2]orientation{4, 2}[f.uint(1)&1])
		case "colr":
			head.colour(f)
			f.short = false
		case "pixi":
		default:
			if p.essential {
				return head, fmt.Errorf("the property %q: %w", p.kind, errUnsupported)
			}
		}
		if err := f.err(); err != nil {
			return head, fmt.Errorf("the property %q: %w", p.kind, err)
		}
	}
	head.takesOfAV1(av1C)
	return head, nil
}

// colour reads a colr property: numbers of ISO/IEC 23091-2, or a profile.
func (h *header) colour(f fields) {
	kind := string(f.data[:min(4, len(f.data))])
	f.uint(4)
	switch kind {
	case "nclx":
		f.uint(4) // primaries and transfer: as they are
		matrix, full := f.uint(2), f.uint(1)
		if !f.short {
			h.colours = &Colours{Matrix: int(matrix), Full: full>>7 == 1}
		}
	case "prof", "rICC":
		if len(f.data) <= maxProfile && h.profile == nil {
			h.profile, _ = parseProfile(f.data) // passed over where not understood
		}
	}
}

// takesOfAV1 is what decoding takes, by the configuration of the stream. Measured, it is
// the planes with 4 bytes a pixel for what is known of each block; then there are the
// planes of eight bits, and of some colours four bytes more.
func (h *header) takesOfAV1(av1C []byte) {
	samples, sample := 3., 2.
	if len(av1C) >= 3 {
		switch c := av1C[2]; {
		case c&0x10 != 0: // monochrome
			samples = 1
		case c&0x0c == 0x0c: // chroma halved both ways
			samples = 1.5
		}
		if av1C[2]&0x40 == 0 {
			sample = 1
		}
	}
	h.result = samples
	h.memory = h.takes(samples*sample + 4 + samples)
}

func avifPixels(data []byte, head header) (image.Image, error) {
	if head.codecs == nil {
		return nil, noCodecs("AVIF")
	}
	if err := head.worth("AVIF", data); err != nil {
		return nil, err
	}
	img, colours, err := head.codecs.AV1(head.frame.data, head.bounds(data, avifGenerous, head.result))
	if err != nil {
		return nil, head.tooMuch("AVIF", err)
	}
	if head.colours != nil { // the container has the last word
		colours = *head.colours
	}
	return colours.plain(img)
}
