package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/device"
)

func TestWhatAgrees(t *testing.T) {
	at := func(class int, score, x float32) functions.Detection {
		return functions.Detection{Class: "thing", ClassID: class, Score: score, Box: functions.Box{X1: x, X2: x + 100, Y2: 100}}
	}
	base := []functions.Detection{at(1, 0.9, 0), at(2, 0.5, 300)}
	for _, test := range []struct {
		name      string
		got       []functions.Detection
		tolerance float64
		says      string
	}{
		{"the same", base, 0.01, ""},
		{"a little lower and beside", []functions.Detection{at(1, 0.895, 1), at(2, 0.5, 300)}, 0.01, ""},
		{"a score too far off", []functions.Detection{at(1, 0.88, 0), at(2, 0.5, 300)}, 0.01, "0.0200 off"},
		{"a score that half precision may have", []functions.Detection{at(1, 0.88, 0), at(2, 0.5, 300)}, 0.03, ""},
		{"one that is missing", base[:1], 0.01, "on the CPU alone"},
		{"one too many", append([]functions.Detection{at(3, 0.6, 600)}, base...), 0.01, "not found on the CPU"},
		{"one too many at the threshold", append([]functions.Detection{at(3, 0.21, 600)}, base...), 0.01, ""},
		{"another class", []functions.Detection{at(1, 0.9, 0), at(7, 0.5, 300)}, 0.01, "on the CPU alone"},
		{"another place", []functions.Detection{at(1, 0.9, 0), at(2, 0.5, 340)}, 0.01, "on the CPU alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := agree([][]functions.Detection{base}, [][]functions.Detection{test.got}, test.tolerance)
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want it to say %q", err, test.says)
			}
		})
	}
}

func TestAMachineWithoutAGPUIsToldApart(t *testing.T) {
	if len(device.List(os.DirFS("/"))) > 0 {
		t.Skip("this machine has a GPU: ./task gpu:check says more")
	}
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); !errors.Is(err, errNoGPU) || !strings.Contains(err.Error(), "no NVIDIA GPU") {
		t.Errorf("%v", err)
	}
}
