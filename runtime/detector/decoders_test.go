package detector_test

import (
	"os"
	"testing"

	"github.com/seed45885407/saccade/runtime/turbo"
	"github.com/seed45885407/saccade/runtime/vision"
)

// decoder is a way to decode JPEGs.
type decoder struct {
	name   string
	limits vision.Limits
}

// decoders are Go's and, where this machine has it, libjpeg-turbo, which made the
// pictures that the reference saw.
func decoders(t *testing.T) []decoder {
	t.Helper()
	list := []decoder{{name: "in Go"}}
	library, _, err := turbo.Find(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		t.Logf("image/jpeg alone: %v", err)
		return list
	}
	t.Cleanup(func() {
		if err := library.Close(); err != nil {
			t.Error(err)
		}
	})
	return append(list, decoder{"with libjpeg-turbo", vision.Limits{JPEG: vision.NewJPEG(library)}})
}
