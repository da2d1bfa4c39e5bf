package detector

import "context"

// Session is one loaded network. It is safe for parallel runs.
type Session interface {
	// Run feeds inputs, the picture first, in the function's layout, and then what is
	// fed beside it, and hands the outputs to read; they are valid only within read,
	// whose error Run returns. A cancelled ctx terminates the run.
	Run(ctx context.Context, inputs []Tensor, read func(outputs []Tensor) error) error
}

// Tensor is one input or output of a network, row-major. Its values are of one
// type, and the slice of the other is nil: a network's fractions come as float32 and
// its whole numbers as int64, whatever it gives itself.
type Tensor struct {
	// Name is the output's; inputs are told apart by their order.
	Name  string
	Shape []int64
	Data  []float32
	Ints  []int64
}

// values is how many there are.
func (t Tensor) values() int { return len(t.Data) + len(t.Ints) }
