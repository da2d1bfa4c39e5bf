package house_test

import (
	"strings"
	"testing"
)

// TestTheTruthsSeeFaults shows each truth a room that breaks it, and one that
// comes close and does not.
func TestTheTruthsSeeFaults(t *testing.T) {
	const said = " receives bytes from anyone who has them, hands on pixels in their order,\n// and refuses whatever is too large to hold or no picture at all.\n"
	tests := []broken{
		{
			"a package with a comment in its own file is fine", commentFaults, "runtime/vision",
			map[string]string{"vision.go": "// Package vision" + said + "package vision", "png.go": "package vision"},
			"",
		},
		{
			"a package without a comment", commentFaults, "runtime/vision",
			map[string]string{"vision.go": "package vision"},
			"no package comment in vision.go",
		},
		{
			"a package comment in another file", commentFaults, "runtime/vision",
			map[string]string{"png.go": "// Package vision" + said + "package vision"},
			"belongs in vision.go, not in png.go",
		},
		{
			"a package comment that tells nothing", commentFaults, "runtime/vision",
			map[string]string{"vision.go": "// Package vision does vision.\npackage vision"},
			"too short",
		},
		{
			"a comment in a test is no package comment", commentFaults, "runtime/vision",
			map[string]string{"vision.go": "package vision", "vision_test.go": "// Package vision" + said + "package vision"},
			"no package comment",
		},
		{
			"a command says its name", commentFaults, "cmd/saccade",
			map[string]string{"main.go": "// Package main" + said + "package main"},
			`begins with "Command saccade "`,
		},
		{
			"a folder of tests alone has its comment in a test", commentFaults, "e2e/local",
			map[string]string{"local_test.go": "// Package local_test" + said + "package local_test"},
			"",
		},
		{
			"a package called util", nameFaults, "gateway/util",
			map[string]string{"util.go": "package util"},
			"called util",
		},
		{
			"a package called runtime shadows the standard library", nameFaults, "runtime",
			map[string]string{"runtime.go": "package runtime"},
			"called runtime",
		},
		{
			"an init function", nameFaults, "gateway",
			map[string]string{"gateway.go": "package gateway\nfunc init() {}"},
			"init function",
		},
		{
			"a method called init is no init function", nameFaults, "gateway",
			map[string]string{"gateway.go": "package gateway\ntype t int\nfunc (t) init() {}"},
			"",
		},
		imports("the contract imports no room", "functions", module+"/functions/catalog", "the arrows lead to"),
		imports("the gateway knows no platform", "gateway", module+"/knative/local", "the arrows lead to"),
		imports("the gateway knows no runtime", "gateway", module+"/runtime/vision", "the arrows lead to"),
		imports("the gateway calls its rooms", "gateway", module+"/gateway/fetch", ""),
		imports("a room imports one the request has left", "gateway/invoke", module+"/gateway/coldstart", ""),
		imports("a room imports one the request has yet to reach", "gateway/routing", module+"/gateway/invoke", "the arrows lead to"),
		imports("vision knows no detector", "runtime/vision", module+"/runtime/detector", "the arrows lead to"),
		imports("the platform satisfies what the waiting room asks for", "knative/local", module+"/gateway/coldstart", ""),
		imports("a room that nobody thought about", "gateway/billing", "fmt", "no line in the table"),
		imports("cgo outside runtime/onnx", "runtime/vision", "C", "belongs in [./runtime/onnx/...]"),
		imports("cgo inside runtime/onnx", "runtime/onnx", "C", ""),
		imports("ONNX Runtime outside runtime/onnx", "runtime/detector", "github.com/yalue/onnxruntime_go", "belongs in"),
		imports("Echo outside the gateway", "runtime/serve", "github.com/labstack/echo/v4", "belongs in"),
		imports("Kubernetes outside knative", "gateway/routing", "k8s.io/apimachinery/pkg/types", "belongs in"),
		imports("Kubernetes inside knative", "knative/local", "k8s.io/apimachinery/pkg/types", ""),
		imports("a room that reads the configuration", "gateway", module+"/config", "belongs in"),
		imports("a main that reads the configuration", "cmd/saccade", module+"/config", ""),
		{
			"a test may import what it needs", arrowFaults, "functions",
			map[string]string{"functions.go": "package functions", "x_test.go": `package functions; import "` + module + `/knative/local"`},
			"",
		},
		{
			"a package for tests may import what it needs", arrowFaults, "runtime/detector/detectortest",
			map[string]string{"detectortest.go": `package detectortest; import "github.com/yalue/onnxruntime_go"`},
			"",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faults := strings.Join(test.truth(parse(t, test.dir, test.files)), "\n")
			if test.fault == "" && faults != "" || !strings.Contains(faults, test.fault) {
				t.Errorf("faults = %q; want %q", faults, test.fault)
			}
		})
	}
}

// broken is a room that breaks a truth, or none where fault is empty.
type broken struct {
	name  string
	truth func(room) []string
	dir   string
	files map[string]string
	fault string
}

// imports is a room of one file with one import.
func imports(name, dir, path, fault string) broken {
	return broken{name, arrowFaults, dir, map[string]string{"x.go": "package x\nimport _ \"" + path + "\""}, fault}
}
