package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
)

func message(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

func number(b []byte, field protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(value))
}

// endless is a detector like any other, but for a loop that does not end: a model
// that never gets through its first run.
func endless() []byte {
	const float, whole, truth = 1, 7, 9 // TensorProto.DataType
	port := func(name string, kind int64, shape ...int64) []byte {
		var dims []byte
		for _, n := range shape {
			dims = message(dims, 1, number(nil, 1, n))
		}
		return message(message(nil, 1, []byte(name)), 2, message(nil, 1, message(number(nil, 1, kind), 2, dims)))
	}
	node := func(kind, result string, inputs ...string) []byte {
		var n []byte
		for _, in := range inputs {
			n = message(n, 1, []byte(in))
		}
		return message(message(n, 2, []byte(result)), 4, []byte(kind))
	}
	weight := func(name string, kind int64, raw []byte, dims ...int64) []byte {
		var w []byte
		for _, n := range dims {
			w = number(w, 1, n)
		}
		return message(message(number(w, 2, kind), 8, []byte(name)), 9, raw)
	}
	body := message(nil, 1, node("Identity", "go on", "condition"))
	body = message(body, 1, node("Identity", "rows", "held"))
	body = message(body, 2, []byte("body"))
	for _, in := range [][]byte{port("turn", whole), port("condition", truth), port("held", float, 1, 300, 6)} {
		body = message(body, 11, in)
	}
	body = message(message(body, 12, port("go on", truth)), 12, port("rows", float, 1, 300, 6))
	loop := node("Loop", "output0", "turns", "always", "none")
	loop = message(loop, 5, number(message(message(nil, 1, []byte("body")), 6, body), 20, 5)) // a GRAPH

	graph := message(nil, 1, loop)
	graph = message(graph, 2, []byte("g"))
	graph = message(graph, 5, weight("turns", whole, binary.LittleEndian.AppendUint64(nil, math.MaxInt64)))
	graph = message(graph, 5, weight("always", truth, []byte{1}))
	graph = message(graph, 5, weight("none", float, make([]byte, 4*300*6), 1, 300, 6))
	graph = message(graph, 11, port("images", float, 1, 3, 64, 64))
	graph = message(graph, 12, port("output0", float, 1, 300, 6))
	return message(message(number(nil, 1, 8), 8, number(nil, 2, 17)), 7, graph)
}

// A model whose native code hangs, or dies, takes its own instance with it: the
// gateway answers, and other functions never notice.
func TestAFaultInNativeCodeEndsOneInstance(t *testing.T) {
	dir := t.TempDir()
	for name, more := range map[string]string{
		"hangs": "  scaling: {startTimeout: 3s, timeout: 20s}\n",
		"dies":  "  scaling: {startTimeout: 30s, timeout: 10s}\n",
	} {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		declaration := fmt.Sprintf("apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: %s}\n"+
			"spec:\n  model: {uri: endless.onnx, family: yolo-e2e}\n%s", name, more)
		for file, content := range map[string][]byte{"endless.onnx": endless(), "function.yaml": []byte(declaration)} {
			if err := os.WriteFile(filepath.Join(folder, file), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	withStack(t, func(cfg *config.Saccade) { cfg.Functions = []string{dir} }, false, func(_ string, c *client.Client, _ *stack) {
		picture := samplePictures(t)[0]
		ask := func(name string) error {
			_, err := c.Detect(t.Context(), name, client.Source{Data: picture}, functions.Parameters{})
			return err
		}

		// It aborts, as native code does that finds itself beyond help, each time that
		// it is started.
		done := make(chan error, 1)
		var group sync.WaitGroup
		group.Go(func() { done <- ask("dies") })
		killed, over := 0, false
		for !over {
			for _, pid := range children() {
				if syscall.Kill(pid, syscall.SIGABRT) == nil {
					killed++
				}
			}
			select {
			case err := <-done:
				over = true
				if kind := functions.KindOf(err); err == nil || kind != functions.Unavailable && kind != functions.ColdStartTimeout {
					t.Errorf("a function whose instances die: %v", err)
				}
			case <-time.After(20 * time.Millisecond):
			}
		}
		group.Wait()
		if killed == 0 {
			t.Error("no instance was started")
		}

		// It hangs, and others are served all the while.
		group.Go(func() { done <- ask("hangs") })
		served := 0
		for over = false; !over; {
			if err := ask("centernet"); err != nil {
				t.Errorf("another function: %v", err)
			}
			served++
			select {
			case err := <-done:
				over = true
				if kind := functions.KindOf(err); err == nil || kind != functions.Unavailable && kind != functions.ColdStartTimeout {
					t.Errorf("a function that hangs: %v", err)
				}
			default:
			}
		}
		group.Wait()
		t.Logf("%d instances killed, %d requests served beside one that hangs", killed, served)
	})
}
