package report

import (
	"fmt"
	"image/color"
	"strings"
)

// theme is whether surroundings are light or dark.
type theme uint8

const (
	light theme = iota
	dark
)

// inks are the colours of a theme. The styles' hues are those of Okabe and Ito (2008),
// which people tell apart whatever their sight, darkened or lightened until text in them
// has a contrast of 4.5 to 1 on the ground (WCAG 2.2, AA).
func inks(t theme) []struct {
	ink
	rgb uint32
} {
	type named = struct {
		ink
		rgb uint32
	}
	if t == dark {
		return []named{
			{ground, 0x14171a},
			{body, 0xe9ebec},
			{muted, 0xa3abb2},
			{grid, 0x30363b},
			{"s0", 0xff9d5c},
			{"s1", 0x6cb8f0},
			{"s2", 0x45cfa5},
			{"s3", 0xe59ac6},
			{"s4", 0xe3c64b},
			{"s5", 0xb9c0c6},
		}
	}
	return []named{
		{ground, 0xfcfcfa},
		{body, 0x1b1f23},
		{muted, 0x5c656d},
		{grid, 0xe2e3df},
		{"s0", 0xb84a00},
		{"s1", 0x0b64a5},
		{"s2", 0x00755b},
		{"s3", 0xa13a78},
		{"s4", 0x7a6400},
		{"s5", 0x4d545a},
	}
}

func rgba(rgb uint32) color.NRGBA {
	return color.NRGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}
}

// inkRules are the inks as classes: f-NAME fills, k-NAME strokes.
func inkRules(t theme) string {
	var b strings.Builder
	for _, i := range inks(t) {
		fmt.Fprintf(&b, ".f-%s{fill:#%06x}.k-%s{stroke:#%06x}", i.ink, i.rgb, i.ink, i.rgb)
	}
	return b.String()
}

// inkVariables are the inks as custom properties: --NAME.
func inkVariables(t theme) string {
	var b strings.Builder
	for _, i := range inks(t) {
		fmt.Fprintf(&b, "--%s:#%06x;", i.ink, i.rgb)
	}
	return b.String()
}

// inkClasses are classes in terms of the custom properties.
func inkClasses() string {
	var b strings.Builder
	for _, i := range inks(light) {
		fmt.Fprintf(&b, ".f-%s{fill:var(--%s)}.k-%s{stroke:var(--%s)}.c-%s{color:var(--%s)}.b-%s{background:var(--%s)}",
			i.ink, i.ink, i.ink, i.ink, i.ink, i.ink, i.ink, i.ink)
	}
	return b.String()
}
