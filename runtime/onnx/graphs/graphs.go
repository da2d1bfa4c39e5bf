// Package graphs keeps graphs that ONNX Runtime has optimised, so that the next
// start need not do it again.
//
// It receives a [Key] and hands on the graph that was kept under it, verified, or
// none; and it keeps a new one. It refuses whatever it has the least doubt of: a
// graph is trusted only if every byte of it, and the whole key it was made for,
// are those that were written. It knows nothing of what is in a graph.
//
// One graph is one file: content, then a trailer that holds the key and the
// SHA-256 of both, so that there is no moment at which one is there without the
// other.
package graphs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/cpu"
)

// Key says what a graph is good for. An optimised graph is made for one
// instruction set: the processor's features belong to the key without being
// named here.
type Key struct {
	// ModelSum is the SHA-256 of the model, 64 digits of lower-case hex.
	ModelSum string
	// Provider is the execution provider, for example cpu.
	Provider string
	// Options are whatever else changes the graph.
	Options string
}

// text is the key as it stands in a trailer, but for the version.
func (k Key) text() string {
	return fmt.Sprintf("model %s\nprovider %s\noptions %s\nplatform %s/%s\nprocessor %x\n",
		k.ModelSum, k.Provider, k.Options, runtime.GOOS, runtime.GOARCH, processor())
}

// processor is a digest of the instruction sets that this processor has.
func processor() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v %+v", cpu.X86, cpu.ARM64))
	return sum[:8]
}

// Cache is a folder of graphs. Any number of processes may use it at once.
type Cache struct{ dir string }

// New is the cache in dir, which is made when first written to.
func New(dir string) Cache { return Cache{dir} }

// path names the processor too: machines that share a folder do not take turns
// in replacing each other's graphs.
func (c Cache) path(k Key) string {
	sum := sha256.Sum256([]byte(k.text()))
	return filepath.Join(c.dir, fmt.Sprintf("%s-%x.graph", k.ModelSum, sum[:6]))
}

// Graph is one kept graph, mapped into memory: instances that use the same one
// share its pages.
type Graph struct {
	// Content is read-only, and gone after Close.
	Content []byte
	// Version is that of the ONNX Runtime that made it, and the only one to load
	// it into.
	Version string

	mapped []byte
}

// Close unmaps the graph.
func (g *Graph) Close() error {
	mapped := g.mapped
	g.Content, g.mapped = nil, nil
	if mapped == nil {
		return nil
	}
	return os.NewSyscallError("munmap", syscall.Munmap(mapped))
}

// ErrNone says that the cache has no graph for a key, or none that it trusts.
var ErrNone = errors.New("no graph is kept")

// Open is the graph kept under k. It reads and verifies every byte: about 5 ms
// for 10 MB where the processor has SHA instructions. The error is [ErrNone] for
// whatever reason there is no graph.
func (c Cache) Open(k Key) (*Graph, error) {
	g, err := open(c.path(k), k)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return g, nil
}

func open(path string, k Key) (_ *Graph, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < int64(tailSize) || info.Size() > maxBytes {
		return nil, fmt.Errorf("%d bytes are no graph", info.Size())
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	content, version, err := verify(mapped, k)
	if err != nil {
		return nil, errors.Join(err, syscall.Munmap(mapped))
	}
	return &Graph{Content: content, Version: version, mapped: mapped}, nil
}

const maxBytes = 8 << 30

// The trailer: the key's text and the version's line; the SHA-256 of the content
// and that text; the text's length as 4 bytes, little endian; the magic.
const (
	magic    = "saccade-graph-1\n"
	tailSize = sha256.Size + 4 + len(magic)
)

func trailerText(k Key, version string) string { return k.text() + "onnxruntime " + version + "\n" }

// seal appends the trailer to the content in f.
func seal(f *os.File, k Key, version string) error {
	text := trailerText(k, version)
	sum := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	io.WriteString(sum, text)
	trailer := sum.Sum([]byte(text))
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(len(text)))
	trailer = append(trailer, magic...)
	_, err := f.Write(trailer) // where the copy has left off: at the end
	return err
}

// verify takes a sealed graph apart.
func verify(sealed []byte, k Key) (content []byte, version string, err error) {
	tail := sealed[len(sealed)-tailSize:]
	if !bytes.HasSuffix(tail, []byte(magic)) {
		return nil, "", errors.New("it was not written to its end")
	}
	length := int64(binary.LittleEndian.Uint32(tail[sha256.Size:]))
	signed := sealed[:len(sealed)-tailSize]
	if length > int64(len(signed)) {
		return nil, "", errors.New("its trailer is damaged")
	}
	content, text := signed[:int64(len(signed))-length], string(signed[int64(len(signed))-length:])
	if sum := sha256.Sum256(signed); !bytes.Equal(sum[:], tail[:sha256.Size]) {
		return nil, "", errors.New("its content is damaged")
	}
	rest, ours := strings.CutPrefix(text, k.text())
	version, ended := strings.CutSuffix(rest, "\n")
	version, named := strings.CutPrefix(version, "onnxruntime ")
	if !ours || !ended || !named {
		return nil, "", errors.New("it was made for another key")
	}
	return content, version, nil
}
