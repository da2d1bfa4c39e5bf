// Package inference is the wire contract of the Open Inference Protocol over gRPC
// as Go types, which `./task generate` writes from inference.proto. It receives and
// hands on messages as they are on the wire, and judges none of them: package oip
// refuses what cannot be answered.
package inference
