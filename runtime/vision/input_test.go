package vision

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// definition is bilinear resizing with half-pixel centres as it is defined, in
// double precision, not rounded: the value of channel c at (x, y) of a picture
// resized to width by height.
func definition(img image.Image, width, height, x, y, c int) float64 {
	size := img.Bounds().Size()
	axis := func(i, n, length int) (lo, hi int, f float64) {
		at := (float64(i)+0.5)*float64(length)/float64(n) - 0.5
		at = min(max(at, 0), float64(length-1))
		lo = int(at)
		return lo, min(lo+1, length-1), at - float64(lo)
	}
	value := func(x, y int) float64 {
		n := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		return float64([3]uint8{n.R, n.G, n.B}[c])
	}
	x0, x1, fx := axis(x, width, size.X)
	y0, y1, fy := axis(y, height, size.Y)
	return (value(x0, y0)*(1-fx)+value(x1, y0)*fx)*(1-fy) + (value(x0, y1)*(1-fx)+value(x1, y1)*fx)*fy
}

func noise(img image.Image, pix []uint8) image.Image {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range pix {
		pix[i] = uint8(random.IntN(256))
	}
	return img
}

func TestTheTensorIsTheBilinearPicture(t *testing.T) {
	r := image.Rect(0, 0, 101, 67)
	nrgba, rgba, grey, paletted := image.NewNRGBA(r), image.NewRGBA(r), image.NewGray(r), image.NewPaletted(r, nil)
	nrgba64, rgba64, grey16, cmyk := image.NewNRGBA64(r), image.NewRGBA64(r), image.NewGray16(r), image.NewCMYK(r)
	for i := range 256 {
		paletted.Palette = append(paletted.Palette, color.NRGBA{R: uint8(i), G: uint8(i * 7), B: uint8(i * 31), A: 200})
	}
	noise(rgba, rgba.Pix)
	for i := 3; i < len(rgba.Pix); i += 4 {
		rgba.Pix[i] = 255
	}
	noise(nrgba64, nrgba64.Pix)
	noise(rgba64, rgba64.Pix)
	for i := 0; i < len(rgba64.Pix); i += 8 {
		rgba64.Pix[i+6], rgba64.Pix[i+7] = 255, 255
		nrgba64.Pix[i+6], nrgba64.Pix[i+7] = 255, 255
	}
	noise(nrgba, nrgba.Pix)
	for i := 3; i < len(nrgba.Pix); i += 4 {
		nrgba.Pix[i] = 255 // the definition's colour model loses precision elsewhere
	}
	ycbcr := image.NewYCbCr(r, image.YCbCrSubsampleRatio444)
	noise(ycbcr, ycbcr.Y)
	for i := range ycbcr.Cb {
		// Nothing that leaves RGB: what is clipped depends on the order of the steps.
		ycbcr.Y[i] = 40 + ycbcr.Y[i]/2
		ycbcr.Cb[i], ycbcr.Cr[i] = uint8(118+i%17), uint8(121+i%11)
	}
	for _, img := range []image.Image{
		nrgba, rgba, noise(grey, grey.Pix), noise(paletted, paletted.Pix), nrgba64, rgba64,
		noise(grey16, grey16.Pix), noise(cmyk, cmyk.Pix), ycbcr,
		nrgba.SubImage(image.Rect(20, 10, 90, 60)), ycbcr.SubImage(image.Rect(20, 10, 90, 60)),
	} {
		for _, size := range []int{32, 64, 160} {
			t.Run(fmt.Sprintf("%T of %v in %d", img, img.Bounds().Size(), size), func(t *testing.T) {
				compareToDefinition(t, img, size)
			})
		}
	}
}

func compareToDefinition(t *testing.T, img image.Image, size int) {
	t.Helper()
	moved := image.NewNRGBA(image.Rectangle{Max: img.Bounds().Size()}) // to (0, 0)
	for y := range moved.Rect.Dy() {
		for x := range moved.Rect.Dx() {
			moved.Set(x, y, img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y))
		}
	}
	in := NewInput(Layout{Size: size, Pad: 7, Divisor: 1})
	tensor := make([]float32, in.Len())
	box := in.Fill(tensor, picture(img, 1))
	off := 0
	for c := range 3 {
		for y := range size {
			for x := range size {
				got := float64(tensor[(c*size+y)*size+x])
				inX, inY := x-box.PadX, y-box.PadY
				if inX < 0 || inX >= box.Width || inY < 0 || inY >= box.Height {
					if got != 7 {
						t.Fatalf("padding is %v at %d, %d", got, x, y)
					}
					continue
				}
				want := definition(moved, box.Width, box.Height, inX, inY, c)
				// Half a level for rounding and a hair for the weights; a YCbCr picture
				// is rounded after the resize, where the definition rounds before.
				within := 0.65
				if _, is := img.(*image.YCbCr); is {
					within = 1.5
				}
				if math.Abs(got-want) > within {
					if off++; off == 1 {
						t.Errorf("channel %d at %d, %d: %v, want %.2f", c, x, y, got, want)
					}
				}
			}
		}
	}
	if off > 1 {
		t.Errorf("%d values are off", off)
	}
}

func TestSubsampledChromaLiesWhereJPEGPutsIt(t *testing.T) {
	// Chroma that rises evenly to the right must come out as the same slope, however
	// few samples it is stored in; a sample out of place would shift it.
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		img := image.NewYCbCr(image.Rect(0, 0, 128, 128), ratio)
		stepX, stepY := subsampling(ratio)
		for i := range img.Y {
			img.Y[i] = 128
		}
		for y := range 128 / stepY {
			for x := range 128 / stepX {
				middleX, middleY := (float64(x)+0.5)*float64(stepX), (float64(y)+0.5)*float64(stepY)
				img.Cr[y*img.CStride+x] = uint8(math.Round(64 + middleX))
				img.Cb[y*img.CStride+x] = uint8(math.Round(64 + middleY))
			}
		}
		in := NewInput(Layout{Size: 64, Divisor: 1})
		tensor := make([]float32, in.Len())
		in.Fill(tensor, picture(img, 1))
		for y := 4; y < 60; y++ {
			for x := 4; x < 60; x++ {
				red, blue := float64(tensor[y*64+x]), float64(tensor[(2*64+y)*64+x])
				wantRed := 128 + 1.402*(64+2*(float64(x)+0.5)-128)
				wantBlue := 128 + 1.772*(64+2*(float64(y)+0.5)-128)
				if math.Abs(red-unit(wantRed/255)*255) > 1.5 || math.Abs(blue-unit(wantBlue/255)*255) > 1.5 {
					t.Fatalf("%v at %d, %d: red %v blue %v, want %.1f %.1f", ratio, x, y, red, blue, wantRed, wantBlue)
				}
			}
		}
	}
}

func TestChannelsAndScale(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 32, 16))
	for i := range 32 * 16 {
		copy(img.Pix[4*i:], []byte{10, 20, 255, 255})
	}
	for _, test := range []struct {
		name   string
		layout Layout
		want   [3]float32 // of the picture's first pixel
		pad    float32    // of the square's last
	}{
		{"RGB up to 1 on grey", Layout{Size: 32, Place: TopLeft, Pad: 114, Divisor: 255}, [3]float32{10. / 255, 20. / 255, 1}, 114. / 255},
		{"BGR in bytes on black", Layout{Size: 32, Place: TopLeft, BGR: true, Divisor: 1}, [3]float32{255, 20, 10}, 0},
	} {
		in := NewInput(test.layout)
		tensor := make([]float32, in.Len())
		in.Fill(tensor, picture(img, 1))
		if got := [3]float32{tensor[0], tensor[1024], tensor[2048]}; got != test.want || tensor[3071] != test.pad {
			t.Errorf("%s: %v padded with %v, want %v padded with %v", test.name, got, tensor[3071], test.want, test.pad)
		}
	}
}

func TestLossyWebPHasStudioRange(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 2, 1), image.YCbCrSubsampleRatio444)
	img.Y[0], img.Y[1] = 16, 235
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	p := picture(img, 1)
	p.studio = true
	if black, white := at(p, 0, 0), at(p, 1, 0); black.G != 0 || white.G != 255 {
		t.Errorf("luma 16 and 235 are %v and %v, want black and white", black, white)
	}
}

func TestAnInputIsFilledWithoutNewMemory(t *testing.T) {
	in := NewInput(Layout{Size: 64, Divisor: 255})
	tensor := make([]float32, in.Len())
	p := picture(testYCbCr(200, 100, image.YCbCrSubsampleRatio420), 6)
	// Without a pool it is a dozen; the race detector drops a quarter of a pool.
	if n := testing.AllocsPerRun(100, func() { in.Fill(tensor, p) }); n > 5 {
		t.Errorf("%v allocations a picture", n)
	}
}
