package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// explainAll explains every sample with as many masks as a user would.
var explainAll = flag.Bool("explain", false, "explain every sample picture with 1000 masks: minutes")

func TestARealModelIsExplainedByItsBox(t *testing.T) {
	needRuntime(t)
	t.Setenv("SACCADE_RUNTIME", runtimeProgram)
	t.Setenv("SACCADE_CACHE", t.TempDir())
	t.Setenv("SACCADE_GATEWAY", "")
	pictures, masks := []string{"astronaut"}, "200"
	if *explainAll {
		pictures, masks = []string{"astronaut", "chelsea", "coffee"}, "1000"
	}
	for _, name := range pictures {
		heat := filepath.Join(t.TempDir(), "heat.png")
		var out bytes.Buffer
		err := run(t.Context(), []string{
			"explain", filepath.Join("..", "..", "samples", name+".png"), "--masks", masks, "--out", heat, "-o", "json",
		}, strings.NewReader(""), &out, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var got told
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s, %.0f%% of the hottest tenth in %.0f%% of the picture; deletion %.2f, insertion %.2f, random %.2f", name,
			got.Target.Class, 100*got.HottestInside, 100*got.BoxShare, got.DeletionArea, got.InsertionArea, got.RandomArea)
		if got.HottestInside < max(0.6, got.BoxShare+0.05) {
			t.Errorf("%s: what is hot lies elsewhere", name)
		}
		// With so few masks chance has its say in one of the two, not in both together.
		if got.InsertionArea < got.DeletionArea+0.15 || name == "astronaut" && got.DeletionArea > got.RandomArea-0.1 {
			t.Errorf("%s: the map does not explain the box", name)
		}
		if len(got.Saliency) < 10 || len(got.Curves.Deletion) != 11 || got.Grid < 6 || got.Seconds <= 0 {
			t.Errorf("%s: the numbers are %+v", name, got)
		}
		file, err := os.ReadFile(heat)
		if err != nil {
			t.Fatal(err)
		}
		if size, err := png.DecodeConfig(bytes.NewReader(file)); err != nil || size.Width < 400 {
			t.Errorf("%s: the heat map is %dx%d, %v", name, size.Width, size.Height, err)
		}
	}
}

func TestProgressTellsWhatIsLeftAndCleansUp(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	progress := progressLine(&out, func() time.Time { return now })
	for done := range 100 {
		now = now.Add(50 * time.Millisecond)
		progress(done+1, 100)
	}
	lines := strings.Split(out.String(), "\r\x1b[K")
	if len(lines) < 40 || len(lines) > 60 {
		t.Errorf("%d lines for 5 seconds", len(lines))
	}
	if !strings.Contains(out.String(), "━╌") || !strings.Contains(out.String(), "51 of 100 pictures, 2s left") {
		t.Errorf("half way: %q", lines[len(lines)/2])
	}
	if lines[len(lines)-1] != "" {
		t.Errorf("%q is left on the terminal", lines[len(lines)-1])
	}
	if progressOn(&out, time.Now) != nil {
		t.Error("progress is shown where there is no terminal")
	}
}

func TestALargePictureIsExplainedAtItsOwnSize(t *testing.T) {
	for _, tt := range []struct{ width, height, side, wantX, wantY int }{
		{4000, 3000, 640, 640, 480}, {300, 200, 640, 300, 200}, {10, 5000, 100, 1, 100},
	} {
		picture := image.NewRGBA(image.Rect(0, 0, tt.width, tt.height))
		small := shrunk(picture, tt.side)
		if got := small.Rect.Size(); got.X != tt.wantX || got.Y != tt.wantY {
			t.Errorf("%dx%d became %v", tt.width, tt.height, got)
		}
		box := scaled(functions.Box{X2: float32(small.Rect.Dx()), Y2: float32(small.Rect.Dy())}, small.Rect, picture.Rect)
		if box.X2 != float32(tt.width) || box.Y2 != float32(tt.height) {
			t.Errorf("all of it is %+v", box)
		}
	}
}
