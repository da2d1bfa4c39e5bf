package main

import (
	"encoding/binary"
	"math"
	"testing"
)

// decode reads a tensor's bytes as the protocol's binary extension has them.
func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	for len(b) > 0 {
		switch list := into.(type) {
		case *[]float32:
			*list, b = append(*list, math.Float32frombits(binary.LittleEndian.Uint32(b))), b[4:]
		case *[]int64:
			*list, b = append(*list, int64(binary.LittleEndian.Uint64(b))), b[8:]
		case *[]string:
			size := 4 + binary.LittleEndian.Uint32(b)
			*list, b = append(*list, string(b[4:size])), b[size:]
		default:
			t.Fatalf("%T", into)
		}
	}
}
