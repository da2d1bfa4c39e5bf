package detector

import (
	"fmt"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// layoutOf is the square that feed asks for. Where its numbers are more than bytes
// over a divisor, the square is filled with bytes, and [normaliser] does the rest.
func layoutOf(feed functions.Feed, size int) (vision.Layout, error) {
	layout := vision.Layout{Size: size, BGR: feed.Colours == functions.ColoursBGR, Divisor: feed.Divisor}
	switch feed.Place {
	case functions.PlaceCentred:
		layout.Place = vision.Centred
	case functions.PlaceTopLeft:
		layout.Place = vision.TopLeft
	case functions.PlaceStretched:
		layout.Place = vision.Stretched
	default:
		return layout, fmt.Errorf("no place %q: it is %s, %s or %s",
			feed.Place, functions.PlaceCentred, functions.PlaceTopLeft, functions.PlaceStretched)
	}
	switch pad := *feed.Pad; {
	case feed.Colours != functions.ColoursRGB && feed.Colours != functions.ColoursBGR:
		return layout, fmt.Errorf("no order of colours %q: it is %s or %s", feed.Colours, functions.ColoursRGB, functions.ColoursBGR)
	case pad < 0 || pad > 255:
		return layout, fmt.Errorf("a padding of %d: it is a byte, 0 to 255", pad)
	case !(feed.Divisor > 0):
		return layout, fmt.Errorf("a divisor of %v: it is more than 0", feed.Divisor)
	default:
		layout.Pad = uint8(pad)
	}
	for _, three := range [][]float64{feed.Mean, feed.Std} {
		if len(three) != 0 && len(three) != 3 {
			return layout, fmt.Errorf("%v are not three numbers, one a channel", three)
		}
	}
	if normalises(feed) {
		layout.Divisor = 1
	}
	return layout, nil
}

func normalises(feed functions.Feed) bool { return len(feed.Mean)+len(feed.Std) > 0 }

// normaliser takes the square from bytes, channel by channel, to what the network
// is fed. There are but 256 values a channel, so that they are worked out once.
type normaliser [3][256]float32

// newNormaliser is nil where there is nothing to do.
func newNormaliser(feed functions.Feed) *normaliser {
	if !normalises(feed) {
		return nil
	}
	n := new(normaliser)
	for channel := range n {
		mean, std := 0.0, 1.0
		if len(feed.Mean) == 3 {
			mean = feed.Mean[channel]
		}
		if len(feed.Std) == 3 {
			std = feed.Std[channel]
		}
		for v := range n[channel] {
			n[channel][v] = float32((float64(v)/feed.Divisor - mean) / std)
		}
	}
	return n
}

// apply does it to three planes of bytes.
func (n *normaliser) apply(planes []float32) {
	area := len(planes) / 3
	for channel := range n {
		values := &n[channel]
		plane := planes[channel*area : (channel+1)*area]
		for i, v := range plane {
			plane[i] = values[uint8(v)]
		}
	}
}

// feed is the memory of one run's inputs, kept from run to run.
type feed struct {
	inputs []Tensor
	// planes is the square, channel by channel: the first input's own memory where
	// that has its channels first.
	planes    []float32
	normalise *normaliser
}

// newFeed makes room for a picture and for what the family is fed beside it.
func newFeed(f family, layout functions.Layout, normalise *normaliser) *feed {
	size := int64(f.layout.Size)
	made := &feed{
		inputs:    []Tensor{{Shape: layout.Shape(size), Data: make([]float32, 3*size*size)}},
		normalise: normalise,
	}
	made.planes = made.inputs[0].Data
	if layout.ChannelsLast() {
		made.planes = make([]float32, 3*size*size)
	}
	for _, what := range f.beside {
		beside := Tensor{Shape: []int64{1, 2}}
		switch side := float32(size); what {
		case functions.BesidePicture:
			beside.Ints = make([]int64, 2)
		case functions.BesideInput:
			beside.Data = []float32{side, side}
		case functions.BesideOnes:
			beside.Data = []float32{1, 1}
		}
		made.inputs = append(made.inputs, beside)
	}
	return made
}

// fill puts the picture into the first input, and its size beside it where that is
// asked for.
func (f *feed) fill(input *vision.Input, picture *vision.Picture) vision.Letterbox {
	letterbox := input.Fill(f.planes, picture)
	f.finish()
	f.measure(picture.Width, picture.Height)
	return letterbox
}

// empty is a fill with no picture.
func (f *feed) empty() {
	clear(f.planes)
	f.finish()
	f.measure(1, 1)
}

// finish makes of the square what the network is fed.
func (f *feed) finish() {
	if f.normalise != nil {
		f.normalise.apply(f.planes)
	}
	into := f.inputs[0].Data
	if &into[0] == &f.planes[0] {
		return
	}
	area := len(into) / 3
	first, second, third := f.planes[:area], f.planes[area:2*area], f.planes[2*area:]
	for i := range area {
		pixel := into[3*i:][:3]
		pixel[0], pixel[1], pixel[2] = first[i], second[i], third[i]
	}
}

// measure says how large the picture is.
func (f *feed) measure(width, height int) {
	for _, beside := range f.inputs[1:] {
		if beside.Ints != nil {
			beside.Ints[0], beside.Ints[1] = int64(width), int64(height)
		}
	}
}
