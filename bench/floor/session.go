package main

import (
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/onnx"
)

// sessionOptions are the function server's own defaults.
func sessionOptions(r inspect.Recognised) onnx.Options {
	return onnx.Options{
		Threads: 1, Input: r.Input, Size: r.InputSize,
		Outputs: []onnx.Output{{Name: r.Output, Shape: r.Shape}},
	}
}
