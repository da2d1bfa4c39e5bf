package detector

import "context"

// Session is one loaded network. It is safe for parallel runs.
type Session interface {
	// Run feeds inputs, the picture [1, 3, S, S] first and, to families that ask for
	// it, the picture's size [1, 2] second, and hands the outputs to read; they are
	// valid only within read, whose error Run returns. A cancelled ctx terminates
	// the run.
	Run(ctx context.Context, inputs []Tensor, read func(outputs []Tensor) error) error
}

// Tensor is one input or output of a network, row-major. Its values are of one
// type: the slice of the other is nil.
type Tensor struct {
	// Name is the output's; inputs are told apart by their order.
	Name  string
	Shape []int64
	Data  []float32
	Ints  []int64
}

// values is how many there are.
func (t Tensor) values() int { return len(t.Data) + len(t.Ints) }

// feed is the memory of one run's inputs, kept from run to run.
type feed struct {
	inputs []Tensor
}

// newFeed makes room for a picture of size pixels a side and, where the family
// asks for it, for the size of the picture it was made from.
func newFeed(f family) *feed {
	size := int64(f.layout.Size)
	made := &feed{inputs: []Tensor{{Shape: []int64{1, 3, size, size}, Data: make([]float32, 3*size*size)}}}
	if f.sized {
		made.inputs = append(made.inputs, Tensor{Shape: []int64{1, 2}, Ints: make([]int64, 2)})
	}
	return made
}

// picture is the tensor that the picture goes into.
func (f *feed) picture() []float32 { return f.inputs[0].Data }

// measure says how large the picture is.
func (f *feed) measure(width, height int) {
	for _, sizes := range f.inputs[1:] {
		sizes.Ints[0], sizes.Ints[1] = int64(width), int64(height)
	}
}
