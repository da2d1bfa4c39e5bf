package functions

import (
	"fmt"
	"time"
)

// Drift says what the pictures of a function, and its answers, are held against; see
// docs/drift.md.
type Drift struct {
	// Reference is how many pictures make the reference: the first ones that a new model,
	// or a new lowest score, answers. Default 500.
	Reference int `json:"reference,omitempty"`
	// ReferenceFile is a file in the function's folder with a reference that was recorded
	// before, used in the place of the first pictures. Default: none.
	ReferenceFile string `json:"referenceFile,omitempty"`
	// Window is how many of the newest pictures are held against the reference. Default
	// 200.
	Window int `json:"window,omitempty"`
	// PSI is the population stability index from which the classes, or the number of
	// detections, have drifted. Default 0.2.
	PSI float64 `json:"psi,omitempty"`
	// KS is the distance of Kolmogorov and Smirnov, 0 to 1, from which brightness,
	// contrast, size, shape or scores have drifted. Default 0.2.
	KS float64 `json:"ks,omitempty"`
	// Recorded is what ReferenceFile holds.
	Recorded *DriftReference `json:"-"`
}

// Light is how bright a picture is.
type Light struct {
	// Brightness is the mean of luma and Contrast its standard deviation, both as shares
	// of full white: 0 to 1, and 0 to 0.5.
	Brightness float32 `json:"brightness"`
	Contrast   float32 `json:"contrast"`
}

// The signals that are watched, and their tests.
const (
	SignalBrightness = "brightness"
	SignalContrast   = "contrast"
	SignalWidth      = "width"
	SignalHeight     = "height"
	SignalAspect     = "aspect"
	SignalDetections = "detections"
	SignalScore      = "score"
	SignalClass      = "class"

	TestKS  = "ks"
	TestPSI = "psi"
)

// DriftBins are how many bins the histogram of a signal has. Classes have names
// instead.
var DriftBins = map[string]int{
	SignalBrightness: 64, SignalContrast: 64, SignalWidth: 64, SignalHeight: 64, SignalAspect: 64,
	SignalDetections: 12, SignalScore: 64,
}

// DriftClasses is the most classes that are told apart.
const DriftClasses = 128

// DriftReference is what pictures and answers were like: counts, and no picture.
type DriftReference struct {
	// Version is of the bins: 1.
	Version int `json:"version"`
	// ModelSum is the SHA-256 of the model that answered.
	ModelSum string `json:"model_sha256,omitempty"`
	// Bins are the counts of each signal but the class, as many as [DriftBins] says.
	Bins map[string][]uint32 `json:"bins"`
	// Classes are the counts of detections by class.
	Classes map[string]uint32 `json:"classes"`
}

// DriftVersion is the version of [DriftReference] that is written and read.
const DriftVersion = 1

// Check says what is wrong with a reference that somebody else has written.
func (r DriftReference) Check() error {
	if r.Version != DriftVersion {
		return fmt.Errorf("a reference of version %d is not read, of %d is", r.Version, DriftVersion)
	}
	for name, bins := range DriftBins {
		if len(r.Bins[name]) != bins {
			return fmt.Errorf("%s has %d bins where %d belong", name, len(r.Bins[name]), bins)
		}
	}
	if len(r.Bins) != len(DriftBins) {
		return fmt.Errorf("%d signals where %d belong", len(r.Bins), len(DriftBins))
	}
	if len(r.Classes) > DriftClasses+1 { // all the others are one
		return fmt.Errorf("%d classes, more than %d", len(r.Classes), DriftClasses)
	}
	for class := range r.Classes {
		if len(class) > maxClassBytes {
			return fmt.Errorf("a class has a name of %d bytes, more than %d", len(class), maxClassBytes)
		}
	}
	return nil
}

// maxClassBytes is the longest name of a class: 200 characters of UTF-8.
const maxClassBytes = 800

// DriftReport says how far a function is from its reference.
type DriftReport struct {
	Function string `json:"function"`
	// Revision is whose pictures are counted; empty where none has come yet.
	Revision string `json:"revision"`
	// State is recording until there is a reference, watching then, drifted where at
	// least one signal is.
	State string `json:"state"`
	// Reference and Recent count the pictures of either; ReferenceSize and Window say how
	// many there are to be before anything is said.
	Reference     int `json:"reference"`
	ReferenceSize int `json:"reference_size"`
	Recent        int `json:"recent"`
	Window        int `json:"window"`
	// Signals are in a fixed order.
	Signals []DriftSignal `json:"signals"`
}

// The values of DriftReport.State.
const (
	DriftRecording = "recording"
	DriftWatching  = "watching"
	DriftDrifted   = "drifted"
)

// DriftSignal is how far one signal is from the reference.
type DriftSignal struct {
	Signal string `json:"signal"`
	// Test is ks or psi.
	Test string `json:"test"`
	// Known says that there were enough pictures to say more.
	Known bool `json:"known"`
	// Statistic is the test's, and Threshold what it has to reach: the function's own,
	// or more where so few pictures may reach that by chance.
	Statistic float64 `json:"statistic"`
	Threshold float64 `json:"threshold"`
	Drifted   bool    `json:"drifted"`
	// Since is when it began to be drifted, or to be so no more.
	Since time.Time `json:"since,omitzero"`
	// Reference and Recent are the means of the two; of the class, the shares of the one
	// that has changed most, Class.
	Reference float64 `json:"reference"`
	Recent    float64 `json:"recent"`
	Class     string  `json:"class,omitempty"`
}

// DriftChange is signals that have begun to drift, or have come back.
type DriftChange struct {
	Function string    `json:"function"`
	Revision string    `json:"revision"`
	At       time.Time `json:"at"`
	// Drifted says which of the two.
	Drifted bool          `json:"drifted"`
	Signals []DriftSignal `json:"signals"`
}

// Defaults of Drift.
const (
	DefaultDriftReference = 500
	DefaultDriftWindow    = 200
	DefaultDriftPSI       = 0.2
	DefaultDriftKS        = 0.2
)

func (d *Drift) withDefaults() {
	orDefault(&d.Reference, DefaultDriftReference)
	orDefault(&d.Window, DefaultDriftWindow)
	orDefault(&d.PSI, DefaultDriftPSI)
	orDefault(&d.KS, DefaultDriftKS)
}
