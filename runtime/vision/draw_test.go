package vision

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// drawn draws on a grey picture and reads the result back.
func drawn(t *testing.T, width, height int, format string, detections ...functions.Detection) *Picture {
	t.Helper()
	grey := image.NewGray(image.Rect(0, 0, width, height))
	for i := range grey.Pix {
		grey.Pix[i] = 128
	}
	data, err := Draw(picture(grey, 1), detections, format)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Format != format || p.Width != width || p.Height != height {
		t.Errorf("drew %+v, want %dx%d %s", p.Picture, width, height, format)
	}
	return p
}

func TestABoxIsDrawnInItsClassesColour(t *testing.T) {
	box := functions.Box{X1: 100, Y1: 100, X2: 300, Y2: 250}
	p := drawn(t, 400, 300, "png", functions.Detection{Class: "person", Score: 0.61, Box: box})
	want := classColour(0)
	line := color.NRGBA{R: want[0], G: want[1], B: want[2]}
	for _, on := range []image.Point{{200, 249}, {101, 200}, {299, 200}, {200, 101}} {
		if c := at(p, on.X, on.Y); !near(c, line, 2) {
			t.Errorf("%v at %v, want the line's %v", c, on, line)
		}
	}
	for _, off := range []image.Point{{200, 180}, {20, 20}, {350, 280}, {200, 80}} {
		if c := at(p, off.X, off.Y); !near(c, color.NRGBA{R: 128, G: 128, B: 128}, 0) {
			t.Errorf("%v at %v, want the picture's grey", c, off)
		}
	}
	// The label lies on the box and has dark letters.
	var plate, ink int
	whole := p.upright()
	for y := 84; y < 100; y++ {
		for x := 100; x < 180; x++ {
			c := color.NRGBA(whole.RGBAAt(x, y))
			if near(c, line, 2) {
				plate++
			}
			if near(c, color.NRGBA{}, 60) {
				ink++
			}
		}
	}
	if plate < 300 || ink < 60 {
		t.Errorf("the label has %d pixels of plate and %d of ink", plate, ink)
	}
}

func TestNothingThatIsDrawnLeavesThePicture(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, size := range []image.Point{{1, 1}, {5000, 1}, {1, 300}, {30, 20}, {400, 300}} {
		w, h := float32(size.X), float32(size.Y)
		drawn(t, size.X, size.Y, "png",
			functions.Detection{Class: "everything", Score: 1, Box: functions.Box{X2: w, Y2: h}},
			functions.Detection{Class: "a pixel", Box: functions.Box{X2: 1, Y2: 1}},
			functions.Detection{Class: "last pixel", Box: functions.Box{X1: w - 1, Y1: h - 1, X2: w, Y2: h}},
			functions.Detection{Class: "outside", Box: functions.Box{X1: -9, Y1: -9, X2: 2 * w, Y2: 2 * h}},
			functions.Detection{Class: "inverted", Box: functions.Box{X1: w, Y1: h}},
			functions.Detection{Class: "no numbers", Box: functions.Box{X1: nan, Y1: nan, X2: inf, Y2: -inf}},
			functions.Detection{Class: string(make([]rune, 10_000)), Score: 0.5, Box: functions.Box{X2: w, Y2: h}},
		)
	}
}

func TestLabelsStayInsideAndApart(t *testing.T) {
	area := image.Rect(0, 0, 640, 480)
	l, err := newLabels(area, newPen(area))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for i := range 4 {
		// Four boxes one upon the other, in the corner.
		frame := image.Rect(500, 0, 640, 300)
		got := l.place(functions.Detection{Class: "traffic light", ClassID: i, Score: 0.5}, frame)
		if !got.plate.In(area) {
			t.Errorf("label %d at %v leaves the picture", i, got.plate)
		}
		for _, other := range l.taken[:i] {
			if i < 3 && other.Overlaps(got.plate) {
				t.Errorf("label %d at %v covers %v", i, got.plate, other)
			}
		}
	}
}

func TestAJPEGIsDrawnToo(t *testing.T) {
	drawn(t, 64, 48, "jpeg", functions.Detection{Class: "cat", ClassID: 15, Score: 0.5, Box: functions.Box{X2: 30, Y2: 30}})
	_, err := Draw(picture(image.NewGray(image.Rect(0, 0, 1, 1)), 1), nil, "bmp")
	if functions.KindOf(err) != functions.Invalid {
		t.Errorf("drawing as bmp: %v, want it invalid", err)
	}
}

func TestATurnedPictureIsDrawnUpright(t *testing.T) {
	for o := orientation(1); o <= 8; o++ {
		data, err := Draw(picture(stored(quadrants(48, 32), o), o), nil, "png")
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if c := at(p, 47, 0); p.Width != 48 || !near(c, color.NRGBA{G: 255}, 0) {
			t.Errorf("orientation %d: top right of %dx%d is %v, want green", o, p.Width, p.Height, c)
		}
	}
}
