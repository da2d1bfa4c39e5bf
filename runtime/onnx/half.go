package onnx

import "math"

// toHalf is v as IEEE 754 binary16, rounded to the nearest, ties to even, as
// hardware does it; what is too large becomes infinite.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN, which stays one
		return sign | 0x7e00
	case bits >= 0x477ff000: // 65520 and more round beyond the largest, 65504
		return sign | 0x7c00
	case bits < 0x38800000: // less than the least normal, 2^-14: a count of 2^-24
		// Adding 0.5, whose last bit is worth 2^-24, leaves the rounding to the hardware.
		sum := math.Float32bits(math.Float32frombits(bits) + 0.5)
		return sign | uint16(sum-0x3f000000)
	}
	// The exponent's bias goes from 127 to 15, and 13 bits fall off.
	odd := bits >> 13 & 1
	return sign | uint16((bits-(127-15)<<23+0xfff+odd)>>13)
}

// fromHalf is the value of an IEEE 754 binary16.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero, or a count of 2^-24
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	case 0x1f: // infinite, or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// toByte is v as a byte, rounded and held within 0 to 255; NaN is 0.
func toByte(v float32) uint8 {
	if !(v > 0) {
		return 0
	}
	return uint8(min(v+0.5, 255))
}
