// Package codec decodes AV1 and JPEG XL, whose decoders are written in C and C++: dav1d
// and libjxl, compiled to WebAssembly and run by wazero. It receives a stranger's bytes and
// how many pixels, bytes of memory and seconds they may take, and hands on pixels. It
// refuses what takes more: a decoder has a memory of its own that does not grow past its
// bound, sees nothing else of the process, no file, clock or network, and ends with its
// time. What it had is given back to the system with each picture.
//
// Nothing is unpacked or compiled before the first picture of a format comes; that one
// waits some tenths of a second for it. How the two .wasm files are made is in build/.
package codec

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/seed45885407/saccade/runtime/vision"
)

//go:embed av1.wasm.gz
var av1Wasm []byte

//go:embed jxl.wasm.gz
var jxlWasm []byte

// A decoder's time: least, and for each pixel besides. A core of a small machine takes
// about a tenth of it.
const (
	leastTime = 5 * time.Second
	pixelTime = time.Microsecond
)

// Codecs are the decoders. They are safe for use by several goroutines.
type Codecs struct {
	av1, jxl func() (*program, error)

	mu      sync.Mutex
	runtime wazero.Runtime // nil until a program was wanted
}

// New makes Codecs, and takes nothing for them yet.
func New() *Codecs {
	c := &Codecs{}
	c.av1 = sync.OnceValues(func() (*program, error) { return c.compile("av1", av1Wasm) })
	c.jxl = sync.OnceValues(func() (*program, error) { return c.compile("jxl", jxlWasm) })
	return c
}

// Close gives the compiled decoders back. None may be at work, and none is to be used
// afterwards.
func (c *Codecs) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runtime == nil {
		return nil
	}
	return c.runtime.Close(context.Background())
}

// program is a compiled decoder.
type program struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	least   int64 // bytes of memory that it begins with
}

// compile unpacks a decoder and makes machine code of it.
func (c *Codecs) compile(name string, packed []byte) (*program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := context.Background()
	if c.runtime == nil {
		runtime := wazero.NewRuntime(ctx)
		if err := deafen(ctx, runtime); err != nil {
			return nil, errors.Join(err, runtime.Close(ctx))
		}
		c.runtime = runtime
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpacking the decoder %s: %w", name, err)
	}
	code, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpacking the decoder %s: %w", name, err)
	}
	module, err := c.runtime.CompileModule(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("compiling the decoder %s: %w", name, err)
	}
	const page = 64 << 10
	return &program{c.runtime, module, int64(module.ExportedMemories()["memory"].Min()) * page}, nil
}

// deafen gives decoders the three functions of a system that their C library is linked
// with, each of which fails: a file cannot be closed, sought in or written. The fourth ends
// a decoder whose time is over; they call it many times a second.
func deafen(ctx context.Context, runtime wazero.Runtime) error {
	const badFile = 8 // EBADF of WASI
	_, err := runtime.NewHostModuleBuilder("wasi_snapshot_preview1").
		NewFunctionBuilder().WithFunc(func(_ uint32) uint32 { return badFile }).Export("fd_close").
		NewFunctionBuilder().WithFunc(func(_ uint32, _ uint64, _, _ uint32) uint32 { return badFile }).Export("fd_seek").
		NewFunctionBuilder().WithFunc(func(_, _, _, _ uint32) uint32 { return badFile }).Export("fd_write").
		Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("setting up the sandbox: %w", err)
	}
	// wazero can end a program by itself, at every turn of every loop, which takes three
	// times as long.
	_, err = runtime.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(func(ctx context.Context) {
		if err := ctx.Err(); err != nil {
			panic(err) // wazero unwinds the decoder, and makes it the error of the call
		}
	}).Export("tick").Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("setting up the sandbox: %w", err)
	}
	return nil
}

// wordBytes is how much a decoder says of a picture: sixteen words of 32 bits, of which
// the first is 0 where it went well.
const wordBytes = 4 * 16

// found is what a decoder leaves behind, in its memory: valid until run returns.
type found struct {
	words  [wordBytes / 4]uint32
	memory []byte
}

// run decodes data in a memory of its own, and has read look at what there is.
func (p *program) run(data []byte, bounds vision.Bounds, read func(found) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), leastTime+time.Duration(bounds.Pixels)*pixelTime)
	defer cancel()
	return p.runFor(ctx, data, bounds, read)
}

// runFor is run with a time of its own.
func (p *program) runFor(ctx context.Context, data []byte, bounds vision.Bounds, read func(found) error) error {
	if bounds.Memory < p.least { // wazero takes it for granted that there is as much
		return vision.ErrTooMuch
	}
	memory, err := newLinear(bounds.Memory)
	if err != nil {
		return err
	}
	defer memory.Free() // closing does it too, where there is something to close
	ctx = experimental.WithMemoryAllocator(ctx, memory)
	module, err := p.runtime.InstantiateModule(ctx, p.module, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return fmt.Errorf("starting the decoder: %w", err)
	}
	defer module.Close(context.Background())
	at, err := call(ctx, module.ExportedFunction("take"), uint64(len(data)))
	if err != nil {
		return err
	}
	if at == 0 || !module.Memory().Write(at, data) {
		return vision.ErrTooMuch
	}
	words, err := call(ctx, module.ExportedFunction("decode"), uint64(at), uint64(len(data)), uint64(bounds.Pixels))
	if err != nil {
		return memory.blame(err)
	}
	whole, _ := module.Memory().Read(0, module.Memory().Size())
	f := found{memory: whole}
	for i := range f.words {
		word, ok := module.Memory().ReadUint32Le(words + uint32(4*i))
		if !ok {
			return errOutside
		}
		f.words[i] = word
	}
	return memory.blame(read(f))
}

var (
	errOutside = errors.New("the decoder points outside its memory")
	errDamaged = errors.New("the decoder gave up")
)

// bytes are size bytes of the decoder's memory.
func (f found) bytes(at, size uint64) ([]byte, error) {
	if at == 0 || at+size > uint64(len(f.memory)) {
		return nil, errOutside
	}
	return f.memory[at:][:size:size], nil
}

// rows copies rows of samples, of one byte each or of two with the low one first, which
// are brought down to eight bits.
func (f found) rows(into []byte, at uint32, stride, width, height, depth int) error {
	sample := 1
	if depth > 8 {
		sample = 2
	}
	for y := range height {
		row, err := f.bytes(uint64(at)+uint64(y)*uint64(stride), uint64(width*sample))
		if err != nil {
			return err
		}
		to := into[y*width:][:width]
		if sample == 1 {
			copy(to, row)
			continue
		}
		for x := range to {
			to[x] = uint8((uint16(row[2*x]) | uint16(row[2*x+1])<<8) >> (depth - 8))
		}
	}
	return nil
}

// layouts are dav1d's, but for grey, which is 0.
var layouts = [...]image.YCbCrSubsampleRatio{
	1: image.YCbCrSubsampleRatio420, 2: image.YCbCrSubsampleRatio422, 3: image.YCbCrSubsampleRatio444,
}
