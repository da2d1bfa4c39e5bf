package house_test

import (
	"fmt"
	"strings"
)

// arrows are the imports between the rooms of the house: a room may import those
// named after it, and no others. "..." takes in every room below; the most exact
// line counts. A room without a line is a fault, so that a new one is thought about.
//
// The gateway's rooms stand in the order of the walk: each may import only those a
// request has already left. See docs/adr/0001-layout.md.
var arrows = []struct{ room, may string }{
	{"./functions", ""},
	{"./functions/problem", "./functions"},
	{"./functions/catalog", "./functions ./models/store/address"},

	{"./models/store/address", ""},
	{"./models/...", "./functions ./models/..."},

	{"./gateway/description", ""},
	{"./gateway/access", "./functions/..."},
	{"./gateway/events", "./functions ./functions/problem"},
	{"./gateway/costs", "./functions"},
	{"./gateway/drift", "./functions"},
	{"./gateway/routing", "./functions/..."},
	{"./gateway/coldstart", "./functions/... ./gateway/routing"},
	{"./gateway/fetch", "./functions/... ./gateway/routing ./gateway/coldstart"},
	{"./gateway/limits", "./functions/..."},
	{"./gateway/recall", "./functions/..."},
	{"./gateway/invoke", "./functions/... ./gateway/routing ./gateway/coldstart ./gateway/fetch"},
	{"./gateway/jobs", "./functions/... ./gateway/events ./gateway/fetch"},
	{"./gateway/mirror", "./functions/... ./gateway/coldstart"},
	{"./gateway", "./functions/... ./gateway/..."},
	{"./client/...", "./functions/... ./client/..."},

	{"./sources/...", "./functions/... ./gateway/events ./sources/..."},

	{"./runtime/turbo/...", "./runtime/turbo/..."},
	{"./runtime/vision", "./functions"},
	{"./runtime/codec", "./runtime/vision"},
	{"./runtime/device", ""},
	{"./runtime/detector", "./functions ./runtime/vision"},
	{"./runtime/onnx/...", "./functions ./runtime/detector ./runtime/vision ./runtime/onnx/..."},
	{"./runtime/schedule", "./functions ./runtime/detector"},
	{"./runtime/serve", "./functions/... ./models/... ./runtime/detector ./runtime/device ./runtime/vision"},
	{"./runtime/lambda/...", "./functions/... ./gateway/events"},
	{"./runtime/oip", "./functions/... ./runtime/detector ./runtime/vision ./runtime/serve ./runtime/oip/..."},
	{"./runtime/oip/inference", ""},
	{"./runtime/...", "./functions/... ./models/... ./runtime/..."},

	{"./knative/local", "./functions/... ./models/... ./gateway/routing ./gateway/coldstart ./knative/scaling"},
	{"./knative/scaling", "./functions"},
	{"./knative/render", "./functions/... ./models/store/address"},
	{"./knative/traffic", "./functions"},
	{"./knative/deploy", "./functions/... ./knative/render ./knative/traffic"},
	{"./knative/watch", "./functions/... ./gateway/routing ./gateway/coldstart ./knative/scaling"},
	{"./contrast/traces", "./functions"},
	{"./contrast/simulate", "./functions ./knative/scaling ./contrast/traces"},
	{"./contrast/replay", "./functions ./knative/scaling ./contrast/traces ./contrast/simulate"},
	{"./contrast/report", "./functions ./contrast/simulate"},

	{"./telemetry", ""},

	{"./config", "./functions ./gateway/... ./sources/..."},
	{"./samples", ""},
	{"./cmd/...", "./..."},
	{"./bench/...", "./..."},
	{"./e2e/...", "./..."},
}

// walls keep a word from beyond the house in the rooms that speak it.
var walls = []struct{ word, only string }{
	{"C", "./runtime/onnx/... ./runtime/turbo"},
	{"github.com/yalue/onnxruntime_go", "./runtime/onnx/... ./bench/..."},
	{"github.com/labstack/echo/...", "./gateway/..."},
	{"k8s.io/...", "./knative/..."},
	{"knative.dev/...", "./knative/..."},
	{"github.com/nats-io/nats-server/...", "./gateway/jobs"},
	{"github.com/spf13/cobra/...", "./cmd/..."},
	{"google.golang.org/grpc/...", "./runtime/oip/..."},
	{"github.com/eclipse/paho.golang/...", "./sources/mqtt"},
	{"github.com/tetratelabs/wazero/...", "./runtime/codec"},
	{"github.com/aws/aws-lambda-go/...", "./runtime/lambda/... ./cmd/saccade-runtime"},
	{"go.opentelemetry.io/otel/sdk/...", "./telemetry ./cmd/... ./bench/..."},
	{"go.opentelemetry.io/otel/exporters/...", "./telemetry"},
	{"./config/...", "./config/... ./cmd/... ./bench/... ./e2e/..."},
}

// arrowFaults looks at the product alone: a test may import what it needs.
func arrowFaults(r room) []string {
	if r.isTestHelp() {
		return nil
	}
	from := "./" + r.dir
	may, known := allowed(from)
	if !known {
		return []string{"this room has no line in the table of arrows (house_arrows_test.go)"}
	}
	var faults []string
	for _, f := range r.files {
		if f.isTest() {
			continue
		}
		for _, to := range f.imports() {
			if strings.HasPrefix(to, "./") && !matchesAny(may, to) {
				faults = append(faults, fmt.Sprintf("%s imports %s; the arrows lead to [%s] alone", f.name, to, may))
			}
			for _, wall := range walls {
				if matches(wall.word, to) && !matchesAny(wall.only, from) {
					faults = append(faults, fmt.Sprintf("%s imports %s, which belongs in [%s] alone", f.name, to, wall.only))
				}
			}
		}
	}
	return faults
}

// allowed is what the most exact line of the table says of a room.
func allowed(from string) (may string, known bool) {
	longest := -1
	for _, arrow := range arrows {
		if matches(arrow.room, from) && len(arrow.room) > longest {
			longest, may, known = len(arrow.room), arrow.may, true
		}
	}
	return may, known
}

func matchesAny(patterns, name string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// matches reads patterns as the go command does: x/... is x and all below it.
func matches(pattern, name string) bool {
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == above || strings.HasPrefix(name, above+"/")
	}
	return name == pattern
}
