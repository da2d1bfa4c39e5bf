package vision

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"runtime"
	"testing"

	"golang.org/x/image/vp8l"

	"github.com/seed45885407/saccade/functions"
)

func TestPrefixCodesCostLittle(t *testing.T) {
	const beforeTables = 8_000_000
	alpha := func(stream []byte) []byte { // what no lossy picture's pixels need
		lossy := tinyWebPs(t)["lossy"]
		extended := []byte{1 << 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		return riff(chunk("VP8X", extended), chunk("ALPH", append([]byte{1}, stream[5:]...)), lossy[12:])
	}
	for _, test := range []struct {
		name string
		data []byte
		read bool
	}{
		{"65536 groups, one of which is used", riff(chunk("VP8L", jumped(1<<16))), false},
		{"65536 groups, all of which are used", riff(chunk("VP8L", tightGroups(1024, 1<<16))), false},
		{"one group more than are read", riff(chunk("VP8L", tightGroups(256, 2601))), false},
		{"2600 groups of two thousand symbols", riff(chunk("VP8L", wideGroups(256, 2600))), false},
		{"999 of them", riff(chunk("VP8L", wideGroups(128, 999))), false},
		{"1001 of them, behind a code of no symbol that nothing uses", riff(chunk("VP8L", hidden(128, 1001))), false},
		{"2600 groups of nothing, which are read", riff(chunk("VP8L", tightGroups(256, 2600))), true},
		{"300 groups of two thousand symbols, which are read", riff(chunk("VP8L", wideGroups(128, 300))), true},
		{"64 groups of two thousand symbols, which are read", riff(chunk("VP8L", wideGroups(64, 64))), true},
		{"one group, which is read", riff(chunk("VP8L", tightGroups(64, 1))), true},
		{"999 groups in the alpha of a lossy picture, which is dropped", alpha(wideGroups(128, 999)), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			taken, err := cost(test.data, nil)
			t.Logf("%d bytes took %.2f MB: %v", len(test.data), float64(taken)/1e6, err)
			if test.read {
				if err != nil {
					t.Error(err)
				}
				if taken > mostOfABomb {
					t.Errorf("%d bytes taken", taken)
				}
				return
			}
			if functions.KindOf(err) != functions.TooLarge {
				t.Errorf("%v; want it too large", err)
			}
			if taken > beforeTables {
				t.Errorf("%d bytes taken before it was refused", taken)
			}
		})
	}
}

func TestPrefixCodesAreCounted(t *testing.T) {
	tiled, err := os.ReadFile("testdata/tiled.webp")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		data   func(*testing.T) []byte
		groups int
	}{
		{"a picture by libwebp with transforms, a cache and tiles", func(*testing.T) []byte { return tiled }, 3},
		{"a photograph by libwebp", func(t *testing.T) []byte { return sharedFile(t, "images/odd/lossless.webp") }, 11},
		{"a pixel", func(t *testing.T) []byte { return tinyWebPs(t)["lossless"] }, 1},
		{"a frame of an animation", func(t *testing.T) []byte { return tinyWebPs(t)["animated"] }, 1},
		{"as many groups as tiles", func(*testing.T) []byte { return riff(chunk("VP8L", wideGroups(32, 64))) }, 64},
		{"transforms, copies and a cache before it", func(*testing.T) []byte { return riff(chunk("VP8L", transformed())) }, 1<<8 + 3 + 1},
		{"more groups than tiles", func(*testing.T) []byte { return riff(chunk("VP8L", jumped(700))) }, 700},
	} {
		t.Run(test.name, func(t *testing.T) {
			head, err := webpHeader(test.data(t))
			if err != nil {
				t.Fatal(err)
			}
			made, err := vp8lMakes(head.frame.data, 1<<30)
			if err != nil || made.groups != test.groups {
				t.Fatalf("%d groups (%v), want %d", made.groups, err, test.groups)
			}
			width, height, err := head.frame.size()
			if err != nil {
				t.Fatal(err)
			}
			taken, err := vp8lTakes(head.frame.data)
			if err != nil {
				t.Fatal(err)
			}
			// A colour table makes the pixels twice. Go's allocator rounds up.
			counted := made.tables + made.images
			if most := counted + counted/4 + 8*width*height + 64_000; taken > most {
				t.Errorf("%d bytes taken, and %d counted", taken, counted)
			}
			if test.groups < 100 && taken < made.tables {
				t.Errorf("%d bytes taken, and %d counted of tables alone", taken, made.tables)
			}
		})
	}
}

// vp8lTakes is how many bytes the decoder allocates.
func vp8lTakes(data []byte) (int, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := vp8l.Decode(bytes.NewReader(data))
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc), err
}

func TestAVP8LStreamIsReadWholeOrNotAtAll(t *testing.T) {
	whole := wideGroups(16, 16)
	pixels := 16 * 16 * 35 / 8
	for length := range len(whole) - pixels - 8 {
		if _, err := vp8lMakes(whole[:length], 1<<30); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("the first %d bytes: %v", length, err)
		}
	}
	if _, err := Decode(riff(chunk("VP8L", whole[:len(whole)/4])), Limits{}); functions.KindOf(err) != functions.Unreadable {
		t.Errorf("a quarter of it: %v", err)
	}
	p, err := Decode(riff(chunk("VP8L", whole)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if size := image.Pt(p.Width, p.Height); size != image.Pt(16, 16) {
		t.Errorf("all of it: %v", size)
	}
}

func TestCodesThatDecodersReadInTwoWaysAreRefused(t *testing.T) {
	for name, symbols := range map[string][2]int{"twice the same": {7, 7}, "the higher first": {9, 7}} {
		t.Run(name, func(t *testing.T) {
			var w vp8lWriter
			w.header(16, 0)
			w.put(1, 1)
			w.put(0, 3)
			w.cache(0)
			w.put(0b111, 3) // simple, two symbols, of eight bits
			w.put(symbols[0], 8)
			w.put(symbols[1], 8)
			w.nones(4 + 16*5)
			if _, err := vp8lMakes(w.data, 1<<30); !errors.Is(err, errVP8L) {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzVP8L(f *testing.F) {
	for _, data := range tinyWebPs(f) {
		if head, err := webpHeader(data); err == nil && head.frame.lossless {
			f.Add(head.frame.data)
		}
	}
	if data, err := os.ReadFile("testdata/tiled.webp"); err == nil {
		f.Add(data[20:])
	}
	f.Add(wideGroups(16, 16))
	f.Add(tightGroups(32, 64))
	f.Add(jumped(1200))
	f.Add(transformed())
	f.Add(hidden(16, 16))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := vp8l.DecodeConfig(bytes.NewReader(data))
		if err != nil || config.Width*config.Height > 1<<16 {
			return
		}
		const most = 1 << 22
		made, err := vp8lMakes(data, most)
		if err != nil || made.groups > vp8lMostGroups || made.tables > most {
			return
		}
		taken, err := vp8lTakes(data)
		counted := made.tables + made.images
		if bound := counted + counted/4 + 9*config.Width*config.Height + 256_000; taken > bound {
			t.Fatalf("%d groups in %d bytes, and %d taken (%v)", made.groups, counted, taken, err)
		}
	})
}
