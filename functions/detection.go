package functions

import "time"

// Detection is one object found in a picture.
type Detection struct {
	// Class is the class name, for example person.
	Class string `json:"class"`
	// ClassID is the class's index in the model's outputs.
	ClassID int `json:"class_id"`
	// Score is the model's confidence, 0 to 1.
	Score float32 `json:"score"`
	Box   Box     `json:"box"`
}

// Box is a rectangle in pixels of the upright picture: x to the right, y down,
// (0, 0) the outer corner of the first pixel. It lies inside the picture.
type Box struct {
	X1 float32 `json:"x1"`
	Y1 float32 `json:"y1"`
	X2 float32 `json:"x2"`
	Y2 float32 `json:"y2"`
}

// Area is 0 for an empty or inverted box.
func (b Box) Area() float32 { return max(0, b.X2-b.X1) * max(0, b.Y2-b.Y1) }

// IoU is the intersection of b and c over their union, 0 to 1; 0 where the
// union is empty.
func (b Box) IoU(c Box) float32 {
	overlap := Box{max(b.X1, c.X1), max(b.Y1, c.Y1), min(b.X2, c.X2), min(b.Y2, c.Y2)}.Area()
	union := b.Area() + c.Area() - overlap
	if union <= 0 {
		return 0
	}
	return overlap / union
}

// Picture says what was looked at.
type Picture struct {
	// Width and Height are in pixels, upright: after the EXIF orientation.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Format is jpeg, png, gif, webp, bmp or tiff, as read from the bytes.
	Format string `json:"format"`
}

// Parameters are what a request may ask of a detection; zero means the
// function's own setting.
type Parameters struct {
	// MinScore overrides the function's lowest score, 0 to 1.
	MinScore *float64
	// Draw asks for the picture with its boxes drawn: "", "png" or "jpeg".
	Draw string
}

// Annotated is a picture with its boxes drawn.
type Annotated struct {
	// ContentType is image/png or image/jpeg.
	ContentType string `json:"content_type"`
	Data        []byte `json:"data"`
}

// Answer is what an instance says of one picture.
type Answer struct {
	Picture Picture `json:"image"`
	// Detections are sorted by score, best first; never nil.
	Detections []Detection `json:"detections"`
	// ModelSum is the SHA-256 of the model file, lower-case hex.
	ModelSum string `json:"model_sha256"`
	// Annotated is there where [Parameters.Draw] asked for it.
	Annotated *Annotated `json:"annotated,omitempty"`
	// Light is how bright the picture is; nil where the instance does not say.
	Light *Light `json:"light,omitempty"`
	// Timing is what the instance spent on this picture.
	Timing Timing `json:"timing_ms"`
	// Cold says that the picture arrived before the instance was ready; Start is
	// then what that start was spent on.
	Cold  bool  `json:"cold_start,omitempty"`
	Start Start `json:"start_ms,omitzero"`
}

// Timing is the time one request spent in each room. The rooms follow one
// another, so their sum is the total but for the gateway's own microseconds.
type Timing struct {
	// Fetch is from the first byte of the request to the last byte of its picture.
	Fetch Millis `json:"fetch"`
	// Wait is time stood still: in the waiting room, and in an instance that was
	// not ready or had all its runs taken.
	Wait Millis `json:"wait"`
	// Decode is reading the picture's bytes into pixels.
	Decode Millis `json:"decode"`
	// Preprocess is letterboxing the pixels into the input tensor.
	Preprocess Millis `json:"preprocess"`
	// Infer is the model's run.
	Infer Millis `json:"infer"`
	// Postprocess is reading boxes from the outputs, NMS and the way back to
	// picture coordinates.
	Postprocess Millis `json:"postprocess"`
	// Draw is drawing and encoding the annotated picture, where asked for.
	Draw Millis `json:"draw,omitzero"`
}

// Start is the cold-start ledger: what bringing up one instance was spent on.
// The phases follow one another.
type Start struct {
	// Pull is getting the model into the store; 0 where it was there.
	Pull Millis `json:"pull"`
	// Start is from asking for a process to its first line of main.
	Start Millis `json:"start"`
	// Load is ONNX Runtime's environment and the session.
	Load Millis `json:"load"`
	// Warmup is the first run at the served shape. Where a picture was waiting
	// already, its run is the warm-up, and this is 0.
	Warmup Millis `json:"warmup"`
}

// Started is what an instance says once it is ready: its ledger, and what it runs on.
type Started struct {
	Start
	// Providers execute the model, in the order in which they are asked; the CPU is
	// behind them in any case. Nil: that is not said.
	Providers []string `json:"providers,omitempty"`
	// Passed are the execution providers that the function prefers and that could not
	// be had.
	Passed []PassedProvider `json:"providers_passed,omitempty"`
}

// PassedProvider is an execution provider that was asked for and passed over.
type PassedProvider struct {
	Provider string `json:"provider"`
	// Reason is what is with it, for people: "is not in this build of ONNX Runtime".
	Reason string `json:"reason"`
}

// Total is the whole start.
func (s Start) Total() time.Duration {
	return time.Duration(s.Pull + s.Start + s.Load + s.Warmup)
}

// Millis is a duration that is written in JSON as milliseconds with microsecond
// resolution.
type Millis time.Duration

// Since is the time from t to now.
func Since(t time.Time) Millis { return Millis(time.Since(t)) }

// Milliseconds is m as a fraction of milliseconds.
func (m Millis) Milliseconds() float64 { return float64(m) / float64(time.Millisecond) }
