package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestOnLambdaAnInstanceHasTheCoresOfItsMemory(t *testing.T) {
	for memory, threads := range map[int]int{0: 1, 512: 1, 1769: 1, 3538: 2, 10240: 5} {
		t.Run(strconv.Itoa(memory), func(t *testing.T) {
			c := config{lambda: lambdaConfig{on: true, memory: memory}}
			r := c.complete(functions.Function{}).Spec.Runtime
			if r.Threads != threads || r.Parallel != 1 {
				t.Errorf("%+v, want %d threads of 1 run", r, threads)
			}
		})
	}
	var declared functions.Function
	declared.Spec.Runtime.Threads = 3
	if got := (config{lambda: lambdaConfig{on: true, memory: 512}}).complete(declared).Spec.Runtime.Threads; got != 3 {
		t.Errorf("%d threads where the function says 3", got)
	}
}

func TestLambdaIsRecognised(t *testing.T) {
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
	t.Setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
	t.Setenv("SACCADE_FETCH_ALLOW", "pictures.internal, 10.0.0.0/8")
	c, err := parse(nil, os.Stderr)
	if err != nil || !c.lambda.on || c.format != "json" || c.cache != "" || c.lambda.folder != lambdaFolder {
		t.Errorf("%+v, %v", c, err)
	}
	if diff := cmp.Diff([]string{"pictures.internal", "10.0.0.0/8"}, c.lambda.allow); diff != "" {
		t.Error(diff)
	}
	if c, err := parse([]string{"--lambda=false", "--model", "m"}, os.Stderr); err != nil || c.lambda.on {
		t.Errorf("behind an adapter: %+v, %v", c.lambda, err)
	}
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "")
	if _, err := parse([]string{"--lambda"}, os.Stderr); status(err) != statusUsage {
		t.Errorf("with nobody to ask: %v", err)
	}
}

func TestTheModelOfAnAddressLiesInTheImage(t *testing.T) {
	for uri, want := range map[string]string{
		"m.onnx":         "/m.onnx",
		"weights/m.onnx": "/weights/m.onnx",
		"https://models.example/a/yolo.onnx?x=/y": "/yolo.onnx",
		"https://models.example/a/b/../c.onnx":    "/c.onnx",
	} {
		folder := t.TempDir()
		text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: eye}\nspec: {model: {uri: '" + uri + "'}}\n"
		if err := os.WriteFile(folder+"/function.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := config{lambda: lambdaConfig{on: true, folder: folder}}
		f, err := c.locate()
		if got := strings.TrimPrefix(c.model, folder); err != nil || got != want || f.Metadata.Name != "eye" {
			t.Errorf("%s: %q, %v; want %q", uri, got, err, want)
		}
	}
}
