package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/onnx/graphs"
)

// Model is a model on its way into a session: its bytes, or those of the
// optimised graph that an earlier start has kept.
type Model struct {
	path  string
	sum   string
	cache graphs.Cache
	key   graphs.Key // zero: nothing is kept

	graph    *graphs.Graph // nil: none that is trusted
	bytes    []byte        // the model file, mapped and verified; nil until needed
	asked    bool          // for a graph
	provider string        // the first of the last session's
}

// Source says what a model is.
type Source struct {
	// Path is the ONNX file.
	Path string
	// Sum is the SHA-256 it must have, 64 digits of lower-case hex. Empty: whatever
	// it has.
	Sum string
	// Cache is the folder of optimised graphs. Empty: none are kept.
	Cache string
	// Providers are as in [Options].
	Providers []string
}

// Prepare maps the model and verifies what was mapped: the optimised graph where
// the cache has one, else the model file. It does not need an Environment, so
// that it can go beside [Open]. Call Close when sessions have been made and the
// graph kept.
func Prepare(s Source) (*Model, error) {
	providers, err := chain(s.Providers)
	if err != nil {
		return nil, err
	}
	if s.Sum != "" && !isSum(s.Sum) {
		return nil, fmt.Errorf("preparing model: %q is no SHA-256 in lower-case hex", s.Sum)
	}
	m := &Model{path: s.Path, sum: s.Sum, cache: graphs.New(s.Cache)}
	if m.sum == "" {
		if err := m.read(); err != nil {
			return nil, err
		}
	}
	if s.Cache != "" {
		// The number of threads does not change the graph.
		m.key = graphs.Key{ModelSum: m.sum, Provider: CPU, Options: "all-optimisations ort-format"}
		if providers[0] == CPU && m.recall() {
			return m, nil
		}
	}
	// Whatever was wrong with the graph, or that there is none: the model is there.
	if err := m.read(); err != nil {
		return nil, err
	}
	return m, nil
}

// recall looks for the graph, once, and says whether there is one. Where a GPU comes
// first it is not looked for before that has been given up.
func (m *Model) recall() bool {
	if !m.asked && m.key != (graphs.Key{}) {
		m.asked = true
		if graph, err := m.cache.Open(m.key); err == nil {
			m.graph = graph
		}
	}
	return m.graph != nil
}

// Sum is the model's SHA-256.
func (m *Model) Sum() string { return m.sum }

// read maps the model file and checks its sum.
func (m *Model) read() error {
	if m.bytes != nil {
		return nil
	}
	mapped, err := mapFile(m.path)
	if errors.Is(err, os.ErrNotExist) {
		return functions.Errorf(functions.Unavailable, "the model file is not there").Because(err)
	}
	if err != nil {
		return fmt.Errorf("preparing model: %w", err)
	}
	sum := sha256.Sum256(mapped)
	got := hex.EncodeToString(sum[:])
	if m.sum != "" && got != m.sum {
		err := functions.Errorf(functions.Unavailable, "the model file is not the one it should be: its SHA-256 is %s instead of %s", got, m.sum)
		return errors.Join(err, syscall.Munmap(mapped))
	}
	m.bytes, m.sum = mapped, got
	return nil
}

// Close gives the mapped files back. Sessions that were made stay as they are.
func (m *Model) Close() error {
	var errs []error
	if m.bytes != nil {
		errs = append(errs, os.NewSyscallError("munmap", syscall.Munmap(m.bytes)))
		m.bytes = nil
	}
	if m.graph != nil {
		errs = append(errs, m.graph.Close())
		m.graph = nil
	}
	return errors.Join(errs...)
}

// distrust gives up the graph.
func (m *Model) distrust() error {
	err := m.graph.Close()
	m.graph = nil
	return errors.Join(err, m.read())
}

// mapFile maps a file read-only: what is not touched is not read, and what is, all
// processes share.
func mapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() {
		return nil, functions.Errorf(functions.Unavailable, "the model file is empty")
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	return mapped, os.NewSyscallError("mmap", err)
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == s
}
