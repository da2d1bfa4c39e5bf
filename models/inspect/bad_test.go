package inspect

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed45885407/saccade/functions"
)

// detectorWith is the file of a detector with more in its graph, and more beside that.
func detectorWith(graph, beside []byte) []byte {
	for _, in := range []Tensor{shaped("images", 1, 3, 640, 640)} {
		graph = field(graph, 11, in.encode())
	}
	graph = field(graph, 12, shaped("o", 1, 84, 8400).encode())
	file := field(varint(nil, 1, 8), 8, varint(nil, 2, 17))
	return append(field(file, 7, graph), beside...)
}

// own is a node of a domain that is not ONNX's.
func own(result, kind, domain string, inputs ...string) []byte {
	return field(step(result, kind, inputs...), 7, []byte(domain))
}

// defined is a FunctionProto of domain own.
func defined(name string, calls ...string) []byte {
	f := field(nil, 1, []byte(name))
	for _, call := range calls {
		f = field(f, 7, own("y", call, "own", "x"))
	}
	return field(f, 10, []byte("own"))
}

// huge is a TensorProto that says it is larger than it is.
func huge(dims ...uint64) []byte {
	var w []byte
	for _, n := range dims {
		w = varint(w, 1, n)
	}
	return field(field(varint(w, 2, 1), 8, []byte("w")), 9, make([]byte, 64))
}

func TestBadModelsAreRefusedWithAReason(t *testing.T) {
	million := make([]byte, 0, 32<<20)
	for i := range 1_000_000 {
		million = field(million, 1, step(fmt.Sprint(i+1), "Relu", fmt.Sprint(i)))
	}
	chain := []byte{}
	for i := range 5000 {
		chain = field(chain, 25, defined(fmt.Sprint("f", i), fmt.Sprint("f", i+1)))
	}
	elsewhere := func(where string) []byte {
		entry := field(field(nil, 1, []byte("location")), 2, []byte(where))
		return field(nil, 5, varint(field(varint(field(nil, 8, []byte("w")), 2, 1), 13, entry), 14, 1))
	}
	deep := []byte{}
	for range 100 {
		deep = field(nil, 1, field(nil, 5, field(nil, 6, deep)))
	}
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"a tensor of more values than the file":       {detectorWith(field(nil, 5, huge(1<<20, 1<<10)), nil), "more values than the file holds"},
		"a tensor of an exabyte":                      {detectorWith(field(nil, 5, huge(1<<40, 1<<40)), nil), "of a size that no network for pictures has"},
		"a tensor of negative size":                   {detectorWith(field(nil, 5, huge(1<<64-1)), nil), "of a size that no network for pictures has"},
		"a constant of more values than the file":     {detectorWith(field(nil, 1, field(step("c", "Constant"), 5, field(nil, 5, huge(1<<25)))), nil), "more values than the file holds"},
		"an operator that nobody has":                 {detectorWith(field(nil, 1, step("o", "Frobnicate", "images")), nil), `operator "Frobnicate" is none of ONNX's`},
		"a TensorRT plugin":                           {detectorWith(field(nil, 1, step("o", "EfficientNMS_TRT", "images")), nil), "is a TensorRT plugin, which ONNX Runtime does not have"},
		"an operator of a stranger's domain":          {detectorWith(field(nil, 1, own("o", "Magic", "com.example", "images")), nil), `operator "Magic" of domain "com.example"`},
		"a graph that runs in a circle":               {detectorWith(field(field(nil, 1, step("a", "Relu", "b")), 1, step("b", "Relu", "a")), nil), "its graph runs in a circle"},
		"a node that needs itself":                    {detectorWith(field(nil, 1, step("a", "Relu", "a")), nil), "its graph runs in a circle"},
		"an operator that is defined by itself":       {detectorWith(nil, field(nil, 25, defined("f", "f"))), `its operator "f" is defined by itself`},
		"operators that are defined by each other":    {detectorWith(nil, field(field(nil, 25, defined("f", "g")), 25, defined("g", "f"))), "is defined by itself"},
		"operators defined 5000 deep and then itself": {detectorWith(nil, append(chain, field(nil, 25, defined("f5000", "f0"))...)), "is defined by itself"},
		"a million nodes":                             {detectorWith(million, nil), "more than 65536 nodes"},
		"weights up the folders":                      {detectorWith(elsewhere("../../../etc/passwd"), nil), `lie in "../../../etc/passwd", outside its own folder`},
		"weights at an absolute path":                 {detectorWith(elsewhere("/etc/passwd"), nil), "outside its own folder"},
		"weights beside it":                           {detectorWith(elsewhere("weights.bin"), nil), "save it as one file"},
		"graphs within graphs without end":            {detectorWith(deep, nil), "damaged or of another kind"},
		"a dimension list that is cut off":            {detectorWith(field(nil, 5, field(nil, 1, []byte{0xff})), nil), "damaged or of another kind"},
		"a rank of a thousand":                        {detectorWith(field(nil, 5, huge(make([]uint64, 1000)...)), nil), "damaged or of another kind"},
		"a field of a wire type that ONNX has not":    {append(detectorWith(nil, nil), protowire.AppendTag(nil, 3, protowire.StartGroupType)...), "damaged or of another kind"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Parse(test.content)
			if err == nil {
				_, err = Recognise(m, functions.Function{})
			}
			runtime.ReadMemStats(&after)
			if functions.KindOf(err) != functions.Unavailable || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want an Unavailable error that says %q", err, test.want)
			}
			if m != nil {
				m.Cost(nil)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 200<<20 {
				t.Errorf("looking at it took %d MB", took>>20)
			}
		})
	}
}

func TestWhatIsUnusualIsNotBad(t *testing.T) {
	for name, content := range map[string][]byte{
		"an operator of the file's own": detectorWith(field(nil, 1, own("o", "f", "own", "images")), field(nil, 25, defined("f"))),
		"an operator of Microsoft's":    detectorWith(field(nil, 1, own("o", "FusedConv", "com.microsoft", "images")), nil),
		"nodes in any order":            detectorWith(field(field(nil, 1, step("o", "Relu", "a")), 1, step("a", "Relu", "images")), nil),
		"an empty tensor":               detectorWith(field(nil, 5, field(varint(varint(nil, 1, 0), 2, 1), 8, []byte("roi"))), nil),
		"operators defined 5000 deep": func() []byte {
			var chain []byte
			for i := range 5000 {
				chain = field(chain, 25, defined(fmt.Sprint("f", i), fmt.Sprint("f", i+1)))
			}
			return detectorWith(nil, chain)
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(content)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Recognise(m, functions.Function{}); err != nil {
				t.Error(err)
			}
		})
	}
}
