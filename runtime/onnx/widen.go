package onnx

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// widened says that the output is of two bytes a value, and of no memory that is
// kept for it. The Go binding copies but half of such a value, so the graph is given
// an operation more, which makes float32 of it.
func (p Port) widened() bool {
	return p.Type == "bfloat16" || p.Type == typeFloat16 && (len(p.Shape) == 0 || slices.Min(p.Shape) < 1)
}

// asked is the name of the graph's output that is read for p.
func (p Port) asked() string {
	if p.widened() {
		return p.Name + "/float32"
	}
	return p.Name
}

// widen is the model with what its outputs need. Where that is nothing it is the
// model's own memory; else a copy with another graph behind it, which protobuf's
// rules make one with the first: fields that are lists are put together.
// Source: protobuf.dev, Encoding, "Last One Wins".
func widen(model []byte, outputs []Port) []byte {
	var more []byte
	message := func(b []byte, field protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
	}
	number := func(b []byte, field protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), value)
	}
	const float, kindInt = 1, 2 // TensorProto.FLOAT, AttributeProto.INT
	for _, p := range outputs {
		if !p.widened() {
			continue
		}
		to := number(number(message(nil, 1, []byte("to")), 3, float), 20, kindInt)
		cast := message(message(nil, 1, []byte(p.Name)), 2, []byte(p.asked()))
		cast = message(message(cast, 4, []byte("Cast")), 5, to)
		kind := message(nil, 1, number(nil, 1, float))
		more = message(more, 1, cast)                                                  // node
		more = message(more, 12, message(message(nil, 1, []byte(p.asked())), 2, kind)) // output
	}
	if more == nil {
		return model
	}
	return slices.Concat(model, message(nil, 7, more)) // graph
}
