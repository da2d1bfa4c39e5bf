package fetch

import (
	"bytes"
	"testing"
)

func TestBuffersReadWhateverTheirMemoryHeld(t *testing.T) {
	var buffers Buffers
	for _, size := range []int{1, bufferStep - 1, bufferStep, 3*bufferStep + 5, bufferMost - 1, bufferMost, 2 * bufferMost} {
		for _, declared := range []int64{-1, int64(size)} {
			for turn := range byte(3) {
				want := bytes.Repeat([]byte{turn + 1}, size)
				got, err := buffers.ReadAll(bytes.NewReader(want), declared, 4*bufferMost)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, declared %d: %d bytes, %v", size, declared, len(got), err)
				}
				buffers.Give(got)
			}
		}
	}
}

func TestBuffersKeepOnlyWhatIsTheirs(t *testing.T) {
	var buffers Buffers
	for name, foreign := range map[string][]byte{
		"nothing":              nil,
		"an odd size":          make([]byte, bufferStep+1),
		"more than is kept":    make([]byte, bufferMost+bufferStep),
		"less than is kept":    make([]byte, 10),
		"a part of a picture":  make([]byte, 2*bufferStep)[bufferStep+3:],
		"nothing kept (a nil)": make([]byte, 2*bufferStep),
	} {
		if name == "nothing kept (a nil)" {
			(*Buffers)(nil).Give(foreign)
		} else {
			buffers.Give(foreign)
		}
		for i := range buffers.bySteps {
			if buffers.bySteps[i].Get() != nil {
				t.Errorf("%s was kept", name)
			}
		}
	}
}

func BenchmarkReadAll(b *testing.B) {
	picture := bytes.Repeat([]byte{1}, 67_000)
	for name, buffers := range map[string]*Buffers{"kept buffers": {}, "new memory": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got, err := buffers.ReadAll(bytes.NewReader(picture), int64(len(picture)), 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				buffers.Give(got)
			}
		})
	}
}
