package local

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestAFunctionForHPAIsScaledByKPAAndThatIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		w := newWorld(t, &fakes{load: time.Second}, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
		w.deploy(function(func(s *functions.Scaling) { s.Autoscaler = functions.AutoscalerHPA }))
		if !strings.Contains(said.String(), "no horizontal pod autoscaler: kpa scales in its place") {
			t.Errorf("it said %s", said.String())
		}
		if err := w.request(100 * time.Millisecond); err != nil {
			t.Error(err)
		}
	})
}
