package vision

import "image"

// fullChroma says that the picture stores chroma for each pixel. Such a JPEG is
// mostly of few pixels, or of drawn things with hard edges, where colours are often
// cut off at black and white: it is converted pixel by pixel before it is resized, as
// the reference pipelines do.
func fullChroma(img *image.YCbCr) bool { return img.SubsampleRatio == image.YCbCrSubsampleRatio444 }

// gatherYCbCr converts as libjpeg does (jdcolor.c), to the last bit.
func gatherYCbCr(img *image.YCbCr) gather {
	lumaAt := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y)
	chromaAt := img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	m := fullRange
	return func(into []uint64, y int, columns []int32) {
		luma, cb, cr := img.Y[lumaAt+y*img.YStride:], img.Cb[chromaAt+y*img.CStride:], img.Cr[chromaAt+y*img.CStride:]
		into = into[:len(columns)]
		for i, x := range columns {
			v, b, r := int64(luma[x])<<16+1<<15, int64(cb[x])-128, int64(cr[x])-128
			red := (v + r*m.redCr) >> 16
			green := (v + b*m.greenCb + r*m.greenCr) >> 16
			blue := (v + b*m.blueCb) >> 16
			if uint64(red|green|blue) > 255 {
				red, green, blue = min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255)
			}
			into[i] = uint64(red) | uint64(green)<<laneBits | uint64(blue)<<(2*laneBits)
		}
	}
}
