package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed45885407/saccade/functions"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("SACCADE_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the test data: %v", err)
	}
	return path
}

func TestParseReadsWhatAFileSays(t *testing.T) {
	file := onnxFile{
		producer:     "maker",
		inputs:       []Tensor{shaped("picture", "batch", 3, "height", "width"), shaped("w", 2, 3)},
		outputs:      []Tensor{shaped("boxes", "batch", 84, ""), {Name: "sums", Type: "int64", Shape: []Axis{}}},
		initializers: map[string][]int64{"w": {2, 3}, "v": {10}, "scalar": {}},
		metadata:     map[string]string{"task": "detect", "author": "me"},
	}
	got, err := Parse(file.encode())
	if err != nil {
		t.Fatal(err)
	}
	want := &Model{
		Producer:   "maker",
		Opset:      17,
		Inputs:     file.inputs[:1], // w is filled by an initializer
		Outputs:    file.outputs,
		Metadata:   file.metadata,
		Moduli:     map[string]int64{},
		Parameters: 17,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Model{})); diff != "" {
		t.Error(diff)
	}
}

func TestWeightsElsewhereAreSeenWhereverTheyAre(t *testing.T) {
	for name, nested := range map[string]bool{"in the graph": false, "in a graph within a node": true} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(onnxFile{
				outputs:      []Tensor{shaped("out", 1)},
				initializers: map[string][]int64{"w": {2}},
				external:     true, nested: nested,
			}.encode())
			if err != nil || !m.External {
				t.Errorf("External = %v, %v; want true", m, err)
			}
		})
	}
}

func TestWhatIsNoONNXFileIsRefused(t *testing.T) {
	whole := onnxFile{outputs: []Tensor{shaped("out", 1)}}.encode()
	deep := []byte{}
	for range 100 {
		deep = field(nil, 1, field(nil, 5, field(nil, 6, deep)))
	}
	plenty := map[string]string{}
	for i := range maxMetadata + 1 {
		plenty[fmt.Sprint(i)] = ""
	}
	tests := map[string]struct{ content, want string }{
		"an empty file":                   {"", "it is empty"},
		"a web page":                      {"\n<!DOCTYPE html><html>", "it is a web page"},
		"a Git LFS pointer":               {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
		"a PyTorch checkpoint":            {"PK\x03\x04....", "PyTorch"},
		"a JPEG":                          {"\xff\xd8\xff\xe0\x00\x10JFIF", "damaged or of another kind"},
		"a file that is cut off":          {string(whole[:len(whole)-3]), "damaged or of another kind"},
		"a file without a graph":          {string(varint(nil, 1, 8)), "holds no graph"},
		"a graph without outputs":         {string(field(nil, 7, nil)), "holds no graph"},
		"graphs nested without end":       {string(field(nil, 7, deep)), "damaged or of another kind"},
		"a length beyond the end":         {string(protowire.AppendVarint([]byte{0x3a}, 1<<40)), "damaged or of another kind"},
		"a text of more than a megabyte":  {string(field(nil, 2, make([]byte, maxText+1))), "damaged or of another kind"},
		"more metadata than anyone needs": {string(onnxFile{metadata: plenty}.encode()), "damaged or of another kind"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.onnx")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Inspect(path)
			if err == nil || functions.KindOf(err) != functions.Unavailable ||
				!strings.Contains(err.Error(), "not an ONNX file") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Inspect: %v; want an Unavailable error that says %q", err, test.want)
			}
		})
	}
}

func TestAFolderIsNoModel(t *testing.T) {
	if _, err := Inspect(t.TempDir()); functions.KindOf(err) != functions.Unavailable {
		t.Errorf("Inspect of a folder: %v", err)
	}
}

func TestAFileCutShortWhileItIsReadIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, release, err := mapped(f, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	_, err = steadily(func() (*Model, error) { return Parse(content) })
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("reading a file that was cut short: %v", err)
	}
}

func TestNamesInPythonsHand(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"a dict":                        {`{0: 'person', 1: 'traffic light'}`, []string{"person", "traffic light"}},
		"a list":                        {`['a', "b"]`, []string{"a", "b"}},
		"a trailing comma":              {`['a',]`, []string{"a"}},
		"quotes within quotes":          {`{0: "bicycle's", 1: 'a \'b\' "c"'}`, []string{"bicycle's", `a 'b' "c"`}},
		"escapes":                       {`['\\\n\xe9\u017e\U0001f600']`, []string{"\\\néž😀"}},
		"a name full of syntax":         {`{0: '}, 1: ['}`, []string{"}, 1: ["}},
		"ids that do not start at 0":    {`{1: 'a'}`, nil},
		"ids twice":                     {`{0: 'a', 0: 'b'}`, nil},
		"a name that does not end":      {`{0: 'a`, nil},
		"a dict that does not end":      {`{0: 'a', 1: 'b'`, nil},
		"something behind the end":      {`{0: 'a'} x`, nil},
		"an unknown escape":             {`['\q']`, nil},
		"an escape that is cut off":     {`['\u12']`, nil},
		"nothing":                       {``, nil},
		"empty":                         {`{}`, nil},
		"a name without quotes":         {`[a]`, nil},
		"two names without comma":       {`['a' 'b']`, nil},
		"an id of very many digits":     {`{` + strings.Repeat("0", 99) + `: 'a'}`, nil},
		"names that are a list in JSON": {`["a","b"]`, []string{"a", "b"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := pythonNames(test.text)
			if !ok {
				got = nil
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSizesInPythonsHand(t *testing.T) {
	for text, want := range map[string][]int{
		"[640, 480]": {640, 480}, "(640, 640)": {640, 640}, "320": {320},
		"[640": nil, "[]": nil, "640x": nil, "[1 2]": nil, "": nil, "-1": nil,
	} {
		got, ok := pythonInts(text)
		if !ok {
			got = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(onnxFile{
		producer: "maker", initializers: map[string][]int64{"w": {2, 3}}, nested: true,
		inputs:   []Tensor{shaped("images", "batch", 3, 640, 640)},
		outputs:  []Tensor{shaped("output0", "batch", 84, 8400)},
		metadata: map[string]string{"names": "{0: 'a'}", "imgsz": "[640, 640]", "author": "Ultralytics"},
	}.encode())
	f.Add([]byte("<html>"))
	f.Add(detectorWith(field(field(nil, 1, step("o", "Conv", "images", "w")), 5, huge(2, 3, 3, 3)), nil))
	f.Add(detectorWith(nil, field(nil, 25, defined("f", "g"))))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Parse(content)
		if err != nil {
			if functions.KindOf(err) != functions.Unavailable {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if c := m.Cost(nil); c.MACs < 0 || c.ActivationBytes < 0 || c.WeightBytes < 0 {
			t.Fatalf("a cost that cannot be: %+v", c)
		}
		for _, family := range append(functions.Families, functions.FamilyAuto) {
			var fn functions.Function
			fn.Spec.Model.Family = family
			r, err := Recognise(m, fn)
			if err != nil {
				continue
			}
			manner, _ := r.Family.Manner()
			if c := m.Cost(r.Inputs); c.MACs < 0 || c.ActivationBytes < 0 {
				t.Fatalf("a cost that cannot be: %+v", c)
			}
			if manner.Grid && r.InputSize%32 != 0 || r.InputSize < 32 || r.InputSize > 4096 || !slices.Contains([]int{1, 2, 3, 4}, len(r.Outputs)) || r.Classes < 0 ||
				len(r.Labels) > 0 && len(r.Labels) != r.Classes {
				t.Fatalf("recognised as what cannot be: %+v", r)
			}
		}
	})
}

func FuzzPython(f *testing.F) {
	f.Add(`{0: 'person', 1: "bicycle's \x41"}`)
	f.Add(`[640, 640]`)
	f.Fuzz(func(t *testing.T, text string) {
		if names, ok := pythonNames(text); ok && len(names) == 0 {
			t.Fatal("no names are no success")
		}
		if ints, ok := pythonInts(text); ok && len(ints) == 0 {
			t.Fatal("no numbers are no success")
		}
	})
}
