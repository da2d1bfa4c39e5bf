package functions

// Feed says how a picture becomes the input of a network: it is put into the
// square, and each value v, a colour byte of 0 to 255, becomes
// (v/Divisor - Mean) / Std. A field that is zero leaves it to the family.
type Feed struct {
	// Place is where in the square the picture goes: centred and padded, top-left and
	// padded, or stretched over all of it. Default: the family's.
	Place string `json:"place,omitempty"`
	// Pad is the colour around the picture, 0 (black) to 255. Default: the family's.
	Pad *int `json:"pad,omitempty"`
	// Colours is the order of the channels: rgb or bgr. Default: the family's.
	Colours string `json:"colours,omitempty"`
	// Divisor divides the bytes: 255 makes values from 0 to 1, 1 leaves bytes as they
	// are. Default: the family's; 1 for an input of bytes.
	Divisor float64 `json:"divisor,omitempty"`
	// Mean is subtracted from the divided values: three numbers in the order the
	// channels are fed. ImageNet's are 0.485, 0.456, 0.406 with a divisor of 255. Default:
	// none, but for detr-softmax, which has ImageNet's.
	Mean []float64 `json:"mean,omitempty"`
	// Std divides what is left, three numbers again; ImageNet's are 0.229, 0.224, 0.225.
	// Default: none, but for detr-softmax.
	Std []float64 `json:"std,omitempty"`
}

// The values of Feed.Place and Feed.Colours.
const (
	PlaceCentred   = "centred"
	PlaceTopLeft   = "top-left"
	PlaceStretched = "stretched"
	ColoursRGB     = "rgb"
	ColoursBGR     = "bgr"
)

// Over is f where it says something, and base elsewhere.
func (f Feed) Over(base Feed) Feed {
	if f.Place != "" {
		base.Place = f.Place
	}
	if f.Pad != nil {
		base.Pad = f.Pad
	}
	if f.Colours != "" {
		base.Colours = f.Colours
	}
	if f.Divisor != 0 {
		base.Divisor = f.Divisor
	}
	if f.Mean != nil {
		base.Mean = f.Mean
	}
	if f.Std != nil {
		base.Std = f.Std
	}
	return base
}

// Read says how a network means its boxes and classes. A field that is zero leaves
// it to the family and the graph.
type Read struct {
	// Corners is what the four numbers of a box are: xyxy (left, top, right, bottom),
	// yxyx (top, left, bottom, right) or cxcywh (centre, width, height). Families ssd,
	// tf-od, efficient-nms and nms-indices alone have a choice.
	Corners string `json:"corners,omitempty"`
	// Unit is what they are measured in: pixels of the input, or shares of it from 0 to
	// 1. The same families have the choice.
	Unit string `json:"unit,omitempty"`
	// ClassIDs is how classes are counted: from-0; from-1, where 0 is the background;
	// or coco91, COCO's category ids from 1 to 90, of which 80 are classes. Answers always
	// count from 0. Default: from-0; tf-od from-1.
	ClassIDs string `json:"classIds,omitempty"`
}

// The values of Read's fields.
const (
	CornersXYXY    = "xyxy"
	CornersYXYX    = "yxyx"
	CornersCXCYWH  = "cxcywh"
	UnitPixels     = "pixels"
	UnitShares     = "shares"
	ClassIDsFrom0  = "from-0"
	ClassIDsFrom1  = "from-1"
	ClassIDsCOCO91 = "coco91"
)

// Over is r where it says something, and base elsewhere.
func (r Read) Over(base Read) Read {
	if r.Corners != "" {
		base.Corners = r.Corners
	}
	if r.Unit != "" {
		base.Unit = r.Unit
	}
	if r.ClassIDs != "" {
		base.ClassIDs = r.ClassIDs
	}
	return base
}

// ClassOf is the class, counted from 0, that a network's own id means; ok is false
// for ids that mean none, as a background.
func (r Read) ClassOf(id int) (class int, ok bool) {
	switch r.ClassIDs {
	case ClassIDsFrom1:
		return id - 1, id >= 1
	case ClassIDsCOCO91:
		return classOfCOCO91(id)
	}
	return id, id >= 0
}

// Layout is the order of an input's axes.
type Layout string

// The layouts: a picture's channels first or last, with an axis for the batch or
// without. Empty means LayoutNCHW.
const (
	LayoutNCHW Layout = "nchw"
	LayoutNHWC Layout = "nhwc"
	LayoutCHW  Layout = "chw"
	LayoutHWC  Layout = "hwc"
)

// Shape is that of an input of one picture, size pixels a side.
func (l Layout) Shape(size int64) []int64 {
	switch l {
	case LayoutNHWC:
		return []int64{1, size, size, 3}
	case LayoutCHW:
		return []int64{3, size, size}
	case LayoutHWC:
		return []int64{size, size, 3}
	}
	return []int64{1, 3, size, size}
}

// ChannelsLast says that the three values of a pixel lie side by side.
func (l Layout) ChannelsLast() bool { return l == LayoutNHWC || l == LayoutHWC }

// Beside is a small input that some networks take beside the picture.
type Beside string

// What is fed beside a picture, each [1, 2].
const (
	// BesidePicture is the picture's own width and height, int64.
	BesidePicture Beside = "picture"
	// BesideInput is the height and width of the input, float32.
	BesideInput Beside = "input"
	// BesideOnes is 1 and 1, float32: boxes are wanted in the input's own pixels.
	BesideOnes Beside = "ones"
)
