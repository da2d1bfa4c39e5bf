// Package openapi holds the gateway's description against a gateway that runs: every
// example of every operation is sent, and errors are provoked; each request and each
// answer must be as the description has it, to the last property and header.
//
// It is tests alone, in a module of its own, so that the validator's dependencies stay
// out of the product. It refuses a description with an operation that no test has
// seen answered well.
package openapi
