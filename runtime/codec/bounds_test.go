package codec

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/seed45885407/saccade/runtime/vision"
)

func TestADecoderKeepsToItsBounds(t *testing.T) {
	c := codecs(t)
	jxl, av1 := shipped(t, "lossy.jxl"), shipped(t, "420.avif")
	av1 = av1[bytes.Index(av1, []byte("mdat"))+4:]
	few := vision.Bounds{Pixels: 10, Memory: 64 << 20}
	if _, _, err := c.AV1(av1, few); err == nil {
		t.Error("AV1 took more pixels")
	}
	if _, _, err := c.JXL(jxl, few); err == nil {
		t.Error("JPEG XL took more pixels")
	}
	for _, memory := range []int64{0, 64 << 10, 640 << 10} { // the last is AV1's code and stack, and no picture
		little := vision.Bounds{Pixels: 1 << 20, Memory: memory}
		if _, _, err := c.AV1(av1, little); !errors.Is(err, vision.ErrTooMuch) {
			t.Errorf("AV1 in %d bytes: %v", memory, err)
		}
		if _, _, err := c.JXL(jxl, little); !errors.Is(err, vision.ErrTooMuch) {
			t.Errorf("JPEG XL in %d bytes: %v", memory, err)
		}
	}
	if _, _, err := c.JXL(jxl, vision.Bounds{Pixels: 1 << 20, Memory: 1300 << 10}); !errors.Is(err, vision.ErrTooMuch) {
		t.Errorf("JPEG XL with no room for a picture: %v", err)
	}
	enough := vision.Bounds{Pixels: 1 << 20, Memory: 64 << 20}
	for name, compiled := range map[string]func() (*program, error){"AV1": c.av1, "JPEG XL": c.jxl} {
		p, err := compiled()
		if err != nil {
			t.Fatal(err)
		}
		data := map[string][]byte{"AV1": av1, "JPEG XL": jxl}[name]
		// The memory for the file is there in time, and then the decoder asks.
		over := &dying{Context: t.Context(), asked: 0, lives: 1}
		err = p.runFor(over, data, enough, func(found) error { return nil })
		if !errors.Is(err, vision.ErrTooMuch) || over.asked != 3 {
			t.Errorf("%s without time: %v, asked %d times; want the decoder to ask once", name, err, over.asked)
		}
	}
}

// dying is a context that is over when it has been asked so many times.
type dying struct {
	context.Context
	asked, lives int
}

func (d *dying) Err() error {
	if d.asked++; d.asked > d.lives {
		return context.DeadlineExceeded
	}
	return nil
}

func TestNothingIsCompiledBeforeItIsWanted(t *testing.T) {
	c := codecs(t)
	if _, err := vision.Decode([]byte("\xff\x0a\x00"), vision.Limits{Codecs: c}); err == nil {
		t.Fatal("three bytes are a picture")
	}
	if c.runtime != nil {
		t.Error("compiled for what is no picture")
	}
}

func TestDecodersGiveTheirMemoryBack(t *testing.T) {
	c := codecs(t)
	data := shipped(t, "lossless.jxl")
	decode := func() {
		if _, err := vision.Decode(data, vision.Limits{Codecs: c}); err != nil {
			t.Fatal(err)
		}
	}
	decode()
	var before, after runtime.MemStats
	mapped := mappings(t)
	runtime.ReadMemStats(&before)
	const times = 50
	for range times {
		decode()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 1<<20 {
		t.Errorf("%d bytes of Go's memory a picture", each)
	}
	if now := mappings(t); now > mapped+times/2 {
		t.Errorf("%d mappings, then %d", mapped, now)
	}
}

// mappings are how many the process has.
func mappings(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	return bytes.Count(text, []byte("\n"))
}
