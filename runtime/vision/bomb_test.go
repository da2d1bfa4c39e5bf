package vision

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// mostOfABomb is what a picture may cost that is not worth it.
const mostOfABomb = 50_000_000

// cost is how many bytes of Go's memory decoding takes. What libjpeg-turbo takes is
// not in it, and is less than half of what image/jpeg would.
func cost(data []byte, jpegs *JPEG) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(data, Limits{JPEG: jpegs})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func TestABombCostsLittle(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
		read bool
	}{
		{"a large progressive JPEG of nothing", nothing(7000, 3, 1), false},
		{"a grey one, over and over again", nothing(7000, 1, 15), false},
		{"a smaller one, which is read", nothing(2800, 1, 15), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
				taken, err := cost(test.data, jpegs)
				if taken > mostOfABomb {
					t.Errorf("%d bytes", taken)
				}
				if test.read != (err == nil) || err != nil && functions.KindOf(err) != functions.TooLarge {
					t.Errorf("%v; want it read: %v", err, test.read)
				}
			})
		})
	}
}

func TestTheBrokenCostLittle(t *testing.T) {
	var manifest []struct{ File string }
	if err := json.Unmarshal(sharedFile(t, "images/manifest.json"), &manifest); err != nil {
		t.Fatal(err)
	}
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		for _, entry := range manifest {
			if !strings.HasPrefix(entry.File, "broken/") {
				continue
			}
			// Whether it is refused, another test asks.
			if taken, _ := cost(sharedFile(t, "images/"+entry.File), jpegs); taken > mostOfABomb {
				t.Errorf("%s: %d bytes", entry.File, taken)
			}
		}
	})
}

// nothing is a progressive JPEG, black all over, in as few bytes as there can be: a
// bit a block in its first scan, and in the others one code for 32767 blocks.
func nothing(side, components, scans int) []byte {
	data := []byte{0xff, markerSOI}
	segment := func(marker byte, body ...byte) {
		data = binary.BigEndian.AppendUint16(append(data, 0xff, marker), uint16(len(body)+2))
		data = append(data, body...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := binary.BigEndian.AppendUint16([]byte{8}, uint16(side))
	frame = append(binary.BigEndian.AppendUint16(frame, uint16(side)), byte(components))
	scan := []byte{byte(components)}
	for c := range components {
		frame, scan = append(frame, byte(c+1), 0x11, 0), append(scan, byte(c+1), 0)
	}
	segment(markerSOF2, frame...)
	const longestRun = 0xe0                                                            // EOB14: 14 bits follow
	segment(0xc4, append(append([]byte{0x00, 1}, make([]byte, 15)...), 0)...)          // bit 0: no difference
	segment(0xc4, append(append([]byte{0x10, 1}, make([]byte, 15)...), longestRun)...) // bit 0: such a run
	blocks := (side + 7) / 8 * ((side + 7) / 8)
	segment(markerSOS, append(scan, 0, 0, 0)...)
	data = append(data, make([]byte, (blocks*components+7)/8)...)
	for s := range scans - 1 {
		// Each goes into one more bit of the coefficients 1..63.
		bits := byte(13-s+1)<<4 | byte(13-s)
		if s == 0 {
			bits = 13
		}
		segment(markerSOS, 1, 1, 0, 1, 63, bits)
		var run bitString
		for left := blocks; left > 0; left -= 1<<15 - 1 {
			run.put(0, 1)
			run.put(min(uint(left), 1<<15-1)-1<<14, 14)
		}
		data = append(data, run.bytes()...)
	}
	return append(data, 0xff, markerEOI)
}

// bitString is a JPEG's entropy-coded bits.
type bitString struct {
	data []byte
	last byte
	n    int
}

func (b *bitString) put(v uint, bits int) {
	for bits--; bits >= 0; bits-- {
		b.last = b.last<<1 | byte(v>>bits&1)
		if b.n++; b.n == 8 {
			b.data = append(b.data, b.last)
			if b.last == 0xff {
				b.data = append(b.data, 0)
			}
			b.last, b.n = 0, 0
		}
	}
}

func (b *bitString) bytes() []byte {
	for b.n > 0 {
		b.put(1, 1)
	}
	return b.data
}
