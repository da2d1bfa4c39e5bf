package oip

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

// mostValues bounds a tensor: what a network of 4096 pixels a side is fed.
const mostValues = 3 * 4096 * 4096

// inferGraph runs the network on the tensors in r. They are read when a run is free:
// what waits has its bytes alone.
func inferGraph(ctx context.Context, header http.Header, m Model, r *request) (outputs []tensor, err error) {
	err = m.Server.Run(ctx, header, func(ctx context.Context) error {
		graph := m.Graph()
		chosen, err := r.choose(outputHeads(graph.Outputs))
		if err != nil {
			return err
		}
		fed, err := r.fed(graph.Inputs)
		if err != nil {
			return err
		}
		return graph.Session.Run(ctx, fed, func(came []detector.Tensor) error {
			outputs, err = taken(came, graph.Outputs, chosen)
			return err
		})
	})
	return outputs, err
}

// fed are the inputs in the order in which the network takes them.
func (r *request) fed(ports []Port) ([]detector.Tensor, error) {
	takes := inputHeads(ports)
	if len(r.inputs) != len(takes) {
		return nil, functions.Errorf(functions.Invalid, "%d inputs come, and the model takes %d: %s",
			len(r.inputs), len(takes), names(takes))
	}
	list := make([]detector.Tensor, len(takes))
	for i, want := range takes {
		at := slices.IndexFunc(r.inputs, func(in input) bool { return in.Name == want.Name })
		if at < 0 {
			return nil, functions.Errorf(functions.Invalid, "input %q is missing; the model takes %s", want.Name, names(takes))
		}
		tensor, err := r.inputs[at].tensor(want)
		if err != nil {
			return nil, err
		}
		list[i] = tensor
	}
	return list, nil
}

// tensor reads the values of what is wanted.
func (in input) tensor(want tensorHead) (t detector.Tensor, err error) {
	if in.Datatype != want.Datatype {
		return t, functions.Errorf(functions.Invalid, "input %q is %.16q, and the model takes %s", in.Name, in.Datatype, want.Datatype)
	}
	if !slices.Equal(in.Shape, want.Shape) {
		return t, functions.Errorf(functions.Invalid, "input %q has the shape %v, and the model takes %v", in.Name, in.Shape, want.Shape)
	}
	n, err := count(in.Name, in.Shape, mostValues)
	if err != nil {
		return t, err
	}
	t = detector.Tensor{Name: want.Name, Shape: want.Shape}
	if want.Datatype == int64s {
		t.Ints, err = in.values.ints(n)
	} else {
		t.Data, err = in.values.floats(n)
	}
	if err != nil {
		return t, about(in.Name, err)
	}
	return t, nil
}

// taken copies the outputs that are wanted out of the network's own memory.
func taken(came []detector.Tensor, ports []Port, chosen []int) ([]tensor, error) {
	if len(came) != len(ports) {
		return nil, fmt.Errorf("%d outputs came, and %d are read", len(came), len(ports))
	}
	outputs := make([]tensor, len(chosen))
	for i, at := range chosen {
		one := came[at]
		head := tensorHead{ports[at].Name, fp32, slices.Clone(one.Shape)}
		if one.Ints != nil {
			head.Datatype = int64s
		}
		outputs[i] = tensor{tensorHead: head, floats: slices.Clone(one.Data), ints: slices.Clone(one.Ints)}
	}
	return outputs, nil
}
