package vision

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
)

func TestLetterboxGeometry(t *testing.T) {
	for _, test := range []struct {
		name          string
		width, height int
		size          int
		place         Place
		want          Letterbox
	}{
		{
			"a tall picture is padded at its sides", 810, 1080, 640, Centred,
			Letterbox{ScaleX: 640. / 1080, ScaleY: 640. / 1080, PadX: 80, Width: 480, Height: 640},
		},
		{
			"a wide picture is padded above and below", 1280, 720, 640, Centred,
			Letterbox{ScaleX: 0.5, ScaleY: 0.5, PadY: 140, Width: 640, Height: 360},
		},
		{
			"the odd pixel goes below", 640, 427, 640, Centred,
			Letterbox{ScaleX: 1, ScaleY: 1, PadY: 106, Width: 640, Height: 427},
		},
		{
			"a small picture is enlarged", 2, 3, 640, Centred,
			Letterbox{ScaleX: 640. / 3, ScaleY: 640. / 3, PadX: 106, Width: 427, Height: 640},
		},
		{
			"a line keeps one pixel of height", 5000, 1, 640, Centred,
			Letterbox{ScaleX: 0.128, ScaleY: 0.128, PadY: 319, Width: 640, Height: 1},
		},
		{
			"YOLOX truncates and starts at the top left", 640, 427, 416, TopLeft,
			Letterbox{ScaleX: 0.65, ScaleY: 0.65, Width: 416, Height: 277},
		},
		{
			"where YOLOX truncates, the others round", 640, 427, 416, Centred,
			Letterbox{ScaleX: 0.65, ScaleY: 0.65, PadY: 69, Width: 416, Height: 278},
		},
		{
			"a stretched picture fills the square", 810, 1080, 320, Stretched,
			Letterbox{ScaleX: 320. / 810, ScaleY: 320. / 1080, Width: 320, Height: 320},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := NewLetterbox(functions.Picture{Width: test.width, Height: test.height}, test.size, test.place)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(Letterbox{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestUndoIsTheWayBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		p := functions.Picture{Width: 1 + random.IntN(6000), Height: 1 + random.IntN(6000)}
		l := NewLetterbox(p, 640, Place(random.IntN(3)))
		if l.Width < 1 || l.Height < 1 || l.PadX < 0 || l.PadY < 0 || l.PadX+l.Width > 640 || l.PadY+l.Height > 640 {
			t.Fatalf("%+v of %v is not within 640", l, p)
		}
		x, y := random.Float64()*float64(p.Width), random.Float64()*float64(p.Height)
		there := functions.Box{
			X1: float32(x*l.ScaleX + float64(l.PadX)), Y1: float32(y*l.ScaleY + float64(l.PadY)),
			X2: 9999, Y2: float32(math.Inf(1)),
		}
		back := l.Undo(there)
		// float32 has seven digits.
		if math.Abs(float64(back.X1)-x) > 0.001/l.ScaleX || math.Abs(float64(back.Y1)-y) > 0.001/l.ScaleY {
			t.Fatalf("%v, %v came back as %v from %+v", x, y, back, l)
		}
		if back.X2 != float32(p.Width) || back.Y2 != float32(p.Height) {
			t.Fatalf("%v is not clipped to %v", back, p)
		}
	}
}
