package oip

import (
	"context"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// request is an inference, whichever way it came in.
type request struct {
	id         string
	parameters parameters
	inputs     []input
	outputs    []wanted // nil: all there are
}

// input is a tensor as it came in.
type input struct {
	tensorHead
	parameters parameters
	values     values
}

// wanted is an output that the caller names.
type wanted struct {
	name       string
	parameters parameters
}

// The bounds of one message, beside its bytes.
const (
	mostTensors = 64
	mostAxes    = 16
)

// infer is the walk of an inference that has entered: what is asked of the whole ->
// the picture or the tensors -> the answer, of which the outputs that were asked for
// are handed on, in that order. header has the trace that it came in; nil for none.
func (d *Door) infer(ctx context.Context, header http.Header, to called, r *request) ([]tensor, error) {
	ask, wait, err := r.asked(to.raw)
	if err != nil {
		return nil, err
	}
	if err := r.judgeTensors(); err != nil {
		return nil, err
	}
	if wait > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, wait,
			functions.Errorf(functions.Timeout, "the inference took longer than the timeout of %d microseconds that it came with", wait.Microseconds()))
		defer stop()
	}
	if to.raw {
		return inferGraph(ctx, header, to.Model, r)
	}
	return inferPicture(ctx, header, to.Model, r, ask)
}

// asked reads the parameters of the request. What is not known is refused: a
// misspelt parameter must not be one that was not given.
func (r *request) asked(raw bool) (ask functions.Parameters, wait time.Duration, err error) {
	for name, value := range r.parameters {
		switch name {
		case "min_score":
			score, is := number(value)
			if raw || !is || !(score >= 0 && score <= 1) { // NaN is neither
				return ask, 0, functions.Errorf(functions.Invalid,
					"min_score is a number between 0 and 1, for a model that takes pictures")
			}
			ask.MinScore = &score
		case "timeout":
			microseconds, is := number(value)
			if !is || !(microseconds >= 0 && microseconds <= float64(math.MaxInt64/int64(time.Microsecond))/2) {
				return ask, 0, functions.Errorf(functions.Invalid, "timeout is a number of microseconds")
			}
			wait = time.Duration(microseconds) * time.Microsecond
		case "sequence_id", "sequence_start", "sequence_end":
			if value != nil && value != false && value != int64(0) && value != float64(0) && value != "" {
				return ask, 0, functions.Errorf(functions.Invalid,
					"the sequence extension is not served: each inference stands alone")
			}
		case "binary_data_output", "priority": // of the transport; and all wait in one queue
		case "headers", "content_type": // KServe's own, about what is known already
		default:
			return ask, 0, functions.Errorf(functions.Invalid,
				"there is no parameter %.64q; there are min_score, timeout and binary_data_output", name)
		}
	}
	return ask, wait, nil
}

// judgeTensors refuses what no model here takes: two tensors of one name, and
// extensions that are not served.
func (r *request) judgeTensors() error {
	var names []string
	for _, in := range r.inputs {
		if slices.Contains(names, in.Name) {
			return functions.Errorf(functions.Invalid, "input %.64q comes twice", in.Name)
		}
		names = append(names, in.Name)
		if err := in.parameters.judge("input", in.Name); err != nil {
			return err
		}
	}
	names = nil
	for _, out := range r.outputs {
		if slices.Contains(names, out.name) {
			return functions.Errorf(functions.Invalid, "output %.64q is asked for twice", out.name)
		}
		names = append(names, out.name)
		if err := out.parameters.judge("output", out.name); err != nil {
			return err
		}
	}
	return nil
}

// parameters are the values that a message or a tensor has beside it: bool, int64,
// float64 or string.
type parameters map[string]any

// judge refuses the extensions that a tensor's parameters ask for.
func (p parameters) judge(side, name string) error {
	for key, value := range p {
		switch key {
		case "binary_data", "binary_data_size", "content_type":
		case "classification":
			if n, is := number(value); !is || n != 0 {
				return functions.Errorf(functions.Invalid,
					"%s %.64q: the classification extension is not served; detections come with their labels", side, name)
			}
		case "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size":
			return functions.Errorf(functions.Invalid,
				"%s %.64q: the shared memory extensions are not served; send the values with the request", side, name)
		default:
			return functions.Errorf(functions.Invalid, "%s %.64q: there is no parameter %.64q", side, name, key)
		}
	}
	return nil
}

// number is a parameter as a number. Clients that can say no fraction say it as
// text.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		return parseNumber(v)
	}
	return 0, false
}

// choose is those of the model's outputs that the request wants, in its order.
func (r *request) choose(there []tensorHead) ([]int, error) {
	var chosen []int
	if r.outputs == nil {
		for i := range there {
			chosen = append(chosen, i)
		}
		return chosen, nil
	}
	for _, out := range r.outputs {
		i := slices.IndexFunc(there, func(h tensorHead) bool { return h.Name == out.name })
		if i < 0 {
			return nil, functions.Errorf(functions.Invalid, "there is no output %.64q; there are %s", out.name, names(there))
		}
		chosen = append(chosen, i)
	}
	return chosen, nil
}

// about says of which input err is.
func about(name string, err error) error {
	return functions.Errorf(functions.Invalid, "input %.64q %s", name, said(err)).Because(err)
}
