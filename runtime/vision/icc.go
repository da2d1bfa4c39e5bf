package vision

import (
	"encoding/binary"
	"fmt"
	"math"
)

// profile takes colours of a picture's own colour space, say Display P3 as
// phones write it, to sRGB, which networks were trained on.
type profile struct {
	linear  [3][256]float32
	matrix  [3][3]float32
	encoded [encodeSteps + 1]uint8
}

const (
	encodeSteps = 4096
	// maxProfile bounds a profile's bytes: those with a matrix have a few hundred.
	maxProfile = 1 << 18
)

// parseProfile reads an ICC profile of three primaries and their tone curves
// (ICC.1:2022, 8.3.3 and 10), the kind that cameras, phones and screens have. It
// is nil without an error where the profile is as good as sRGB.
func parseProfile(data []byte) (*profile, error) {
	if len(data) < 132 || string(data[16:24]) != "RGB XYZ " {
		return nil, fmt.Errorf("profile of %d bytes is not of an RGB space by matrix", len(data))
	}
	p := new(profile)
	var primaries [3][3]float64 // X, Y, Z by red, green, blue
	for c, letter := range "rgb" {
		xyz, err := profileTag(data, string(letter)+"XYZ", "XYZ ", 20)
		if err != nil {
			return nil, err
		}
		for i := range 3 {
			primaries[i][c] = s15Fixed16(xyz[8+4*i:])
		}
		curve, err := profileTag(data, string(letter)+"TRC", "", 12)
		if err != nil {
			return nil, err
		}
		tone, err := parseCurve(curve)
		if err != nil {
			return nil, err
		}
		for v := range p.linear[c] {
			p.linear[c][v] = float32(unit(tone(float64(v) / 255)))
		}
	}
	for i, row := range fromXYZ() {
		for c := range 3 {
			p.matrix[i][c] = float32(row[0]*primaries[0][c] + row[1]*primaries[1][c] + row[2]*primaries[2][c])
		}
	}
	for i := range p.encoded {
		p.encoded[i] = uint8(255*encodeSRGB(float64(i)/encodeSteps) + 0.5)
	}
	if p.changesLittle() {
		return nil, nil
	}
	return p, nil
}

// convert takes packed colours to sRGB, in place.
func (p *profile) convert(line []uint32) {
	m := &p.matrix
	for i, c := range line {
		r, g, b := p.linear[0][uint8(c)], p.linear[1][uint8(c>>8)], p.linear[2][uint8(c>>16)]
		line[i] = p.encode(m[0][0]*r+m[0][1]*g+m[0][2]*b) |
			p.encode(m[1][0]*r+m[1][1]*g+m[1][2]*b)<<8 |
			p.encode(m[2][0]*r+m[2][1]*g+m[2][2]*b)<<16
	}
}

func (p *profile) encode(linear float32) uint32 {
	return uint32(p.encoded[int(min(max(linear, 0), 1)*encodeSteps+0.5)])
}

// changesLittle says that no colour of a coarse cube moves by more than two
// levels: the profiles called sRGB differ from one another by as much.
func (p *profile) changesLittle() bool {
	for i := range 6 * 6 * 6 {
		r, g, b := uint32(i%6*51), uint32(i/6%6*51), uint32(i/36*51)
		line := []uint32{r | g<<8 | b<<16}
		p.convert(line)
		for c, was := range []uint32{r, g, b} {
			if is := line[0] >> (8 * c) & 0xff; max(is, was)-min(is, was) > 2 {
				return false
			}
		}
	}
	return true
}

// profileTag is the element with the signature, of the type where one is given,
// and of least bytes or more.
func profileTag(data []byte, signature, kind string, least int) ([]byte, error) {
	for i := range min(int(binary.BigEndian.Uint32(data[128:])), 100, (len(data)-132)/12) {
		entry := data[132+12*i:]
		if string(entry[:4]) != signature {
			continue
		}
		at, size := int64(binary.BigEndian.Uint32(entry[4:])), int64(binary.BigEndian.Uint32(entry[8:]))
		if size < int64(least) || at+size > int64(len(data)) {
			return nil, fmt.Errorf("profile's %s lies outside of it", signature)
		}
		if kind != "" && string(data[at:at+4]) != kind {
			return nil, fmt.Errorf("profile's %s is a %q, not a %q", signature, data[at:at+4], kind)
		}
		return data[at : at+size], nil
	}
	return nil, fmt.Errorf("profile has no %s", signature)
}

// parseCurve reads a tone curve: from the encoded value, 0 to 1, to the linear.
func parseCurve(data []byte) (func(float64) float64, error) {
	switch string(data[:4]) {
	case "curv":
		n := int64(binary.BigEndian.Uint32(data[8:]))
		table := data[12:]
		switch {
		case n == 0:
			return func(v float64) float64 { return v }, nil
		case n > int64(len(table)/2):
			return nil, fmt.Errorf("tone curve of %d values in %d bytes", n, len(table))
		case n == 1:
			gamma := float64(binary.BigEndian.Uint16(table)) / 256
			return func(v float64) float64 { return math.Pow(v, gamma) }, nil
		}
		value := func(i int) float64 { return float64(binary.BigEndian.Uint16(table[2*i:])) / 65535 }
		return func(v float64) float64 {
			at := v * float64(n-1)
			lo := min(int(at), int(n)-2)
			return value(lo) + (value(lo+1)-value(lo))*(at-float64(lo))
		}, nil
	case "para":
		counts := [...]int{1, 3, 4, 5, 7}
		kind := int(binary.BigEndian.Uint16(data[8:]))
		if kind >= len(counts) || len(data) < 12+4*counts[kind] {
			return nil, fmt.Errorf("parametric curve of type %d in %d bytes", kind, len(data))
		}
		var p [7]float64 // g a b c d e f, as ICC.1:2022 table 68 calls them
		for i := range counts[kind] {
			p[i] = s15Fixed16(data[12+4*i:])
		}
		return parametric(kind, p), nil
	}
	return nil, fmt.Errorf("tone curve of type %q", data[:4])
}

// parametric brings the five types to one: (ax+b)^g + e from d on, cx + f below.
func parametric(kind int, p [7]float64) func(float64) float64 {
	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		a, d = 1, math.Inf(-1)
	case 1:
		d, c = -b/a, 0
	case 2:
		d, e, f, c = -b/a, p[3], p[3], 0
	}
	return func(v float64) float64 {
		if v >= d {
			return math.Pow(a*v+b, g) + e
		}
		return c*v + f
	}
}

// s15Fixed16 reads an s15Fixed16Number.
func s15Fixed16(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// unit clamps to 0..1; what is no number is 0.
func unit(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// encodeSRGB is the tone curve of IEC 61966-2-1.
func encodeSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// fromXYZ takes XYZ, adapted to D50 as profiles have it, to linear sRGB: the
// inverse of the colorants in IEC 61966-2-1 after Bradford adaptation.
func fromXYZ() [3][3]float64 {
	return [3][3]float64{
		{3.1338561, -1.6168667, -0.4906146},
		{-0.9787684, 1.9161415, 0.0334540},
		{0.0719453, -0.2289914, 1.4052427},
	}
}
