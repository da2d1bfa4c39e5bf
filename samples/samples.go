// Package samples holds three photographs that are free to ship, for the demo and
// for tests. It receives nothing and hands on files; README.md beside it says
// whose they are.
package samples

import "embed"

// Pictures are the photographs, as PNG.
//
//go:embed *.png
var Pictures embed.FS
