package main

import (
	"sync"

	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
)

// native is ONNX Runtime, which is opened with the first model and serves them all.
type native struct {
	library string

	mu          sync.Mutex
	environment *onnx.Environment
}

func (n *native) open() (*onnx.Environment, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.environment != nil {
		return n.environment, nil
	}
	path, err := library.Find(n.library)
	if err != nil {
		return nil, err
	}
	n.environment, err = onnx.Open(path)
	return n.environment, err
}

// close is for when every session has been closed.
func (n *native) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.environment == nil {
		return nil
	}
	return n.environment.Close()
}
