package inspect

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// step writes a NodeProto: result = kind(inputs).
func step(result, kind string, inputs ...string) []byte {
	var n []byte
	for _, name := range inputs {
		n = field(n, 1, []byte(name))
	}
	return field(field(n, 2, []byte(result)), 4, []byte(kind))
}

// scalar writes a TensorProto of one int64.
func scalar(name string, value int64, raw bool) []byte {
	n := varint(nil, 2, 7)
	if raw {
		n = field(n, 9, binary.LittleEndian.AppendUint64(nil, uint64(value)))
	} else {
		n = varint(n, 7, uint64(value))
	}
	return field(n, 8, []byte(name))
}

func TestTheClassesOfLabelsAreWhatTheyAreDividedBy(t *testing.T) {
	initializer := func(g []byte, name string, value int64) []byte { return field(g, 5, scalar(name, value, false)) }
	constant := func(g []byte, name string, value int64) []byte {
		attribute := field(field(nil, 1, []byte("value")), 5, scalar("", value, true))
		return field(g, 1, field(step(name, "Constant"), 5, attribute))
	}
	nodes := func(g []byte, steps ...[]byte) []byte {
		for _, s := range steps {
			g = field(g, 1, s)
		}
		return g
	}
	tests := map[string]struct {
		graph []byte
		want  int64
	}{
		"a remainder": {
			nodes(initializer(nil, "c", 80), step("labels", "Mod", "index", "c")), 80,
		},
		"less the quotient's multiple, as PyTorch writes it": {
			nodes(constant(constant(nil, "c", 91), "d", 91),
				step("q", "Div", "index", "c"), step("f", "Cast", "q"), step("m", "Mul", "f", "d"), step("labels", "Sub", "index", "m")), 91,
		},
		"the constant may come first": {
			nodes(initializer(nil, "c", 7),
				step("q", "Div", "index", "c"), step("m", "Mul", "c", "q"), step("s", "Sub", "index", "m"), step("labels", "Identity", "s")), 7,
		},
		"divided by one and multiplied by another": {
			nodes(initializer(initializer(nil, "c", 80), "d", 81),
				step("q", "Div", "index", "c"), step("m", "Mul", "q", "d"), step("labels", "Sub", "index", "m")), 0,
		},
		"a number that is not constant":  {nodes(nil, step("labels", "Mod", "index", "other")), 0},
		"a negative one":                 {nodes(initializer(nil, "c", -80), step("labels", "Mod", "index", "c")), 0},
		"a circle":                       {nodes(nil, step("labels", "Cast", "labels")), 0},
		"nodes without inputs":           {nodes(nil, step("labels", "Mod"), step("m", "Sub"), step("q", "Mul")), 0},
		"labels that the graph is given": {nil, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			labels := Tensor{Name: "labels", Type: "int64", Shape: []Axis{{Size: 1}}}
			m, err := Parse(field(nil, 7, field(test.graph, 12, labels.encode())))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Moduli["labels"]; got != test.want {
				t.Errorf("%d classes, want %d", got, test.want)
			}
		})
	}
}

func TestOnlySoManyOperationsAreKept(t *testing.T) {
	a := newArithmetic()
	for i := range 2 * maxOperations {
		if err := a.node(step(fmt.Sprint(i), "Mul", "x", "y")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.made); n != maxOperations {
		t.Errorf("%d operations are kept, want %d", n, maxOperations)
	}
}
