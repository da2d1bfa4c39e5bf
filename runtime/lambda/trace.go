package lambda

import (
	"context"
	"strings"
)

// xrayKey is where aws-lambda-go keeps Lambda-Runtime-Trace-Id.
const xrayKey = "x-amzn-trace-id"

// traceparentBytes is the length of version 00 of a traceparent.
const traceparentBytes = 55

func xray(ctx context.Context) string {
	header, _ := ctx.Value(xrayKey).(string)
	return header
}

// traceparent is Lambda's trace header as W3C Trace Context writes it, "" for one
// without a parent.
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//	00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
//
// Root is a version, the time in seconds and 96 bits; together the last two are the
// 128 bits of a trace id. Sources: docs.aws.amazon.com/xray/latest/devguide
// (xray-api-sendingdata.html, xray-concepts.html), w3.org/TR/trace-context.
func traceparent(header string) string {
	var root, parent, flags string
	for field := range strings.SplitSeq(header, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
		case "Root":
			root = value
		case "Parent":
			parent = strings.ToLower(value)
		case "Sampled":
			flags = value
		}
	}
	version, rest, _ := strings.Cut(root, "-")
	seconds, random, _ := strings.Cut(rest, "-")
	id := strings.ToLower(seconds + random)
	if version != "1" || len(seconds) != 8 || !isHex(id, 32) || !isHex(parent, 16) {
		return ""
	}
	sampled := "00"
	if flags == "1" {
		sampled = "01"
	}
	return "00-" + id + "-" + parent + "-" + sampled
}

// isHex says that text is of so many lower-case hex digits, and not all zero.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == "" && strings.Trim(text, "0") != ""
}
