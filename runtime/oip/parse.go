package oip

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/seed45885407/saccade/functions"
)

// head is the JSON of an inference. Its lists stay as they are until their length
// is known to be bearable.
type head struct {
	ID         string          `json:"id"`
	Parameters parameters      `json:"parameters"`
	Inputs     json.RawMessage `json:"inputs"`
	Outputs    json.RawMessage `json:"outputs"`
}

type inputJSON struct {
	Name       string          `json:"name"`
	Datatype   string          `json:"datatype"`
	Shape      shapeJSON       `json:"shape"`
	Parameters parameters      `json:"parameters"`
	Data       json.RawMessage `json:"data"`
}

type outputJSON struct {
	Name       string     `json:"name"`
	Parameters parameters `json:"parameters"`
}

// parse reads the body of an inference: JSON, and after it the values of those
// tensors that say binary_data_size, in their order. The request shares its memory.
func parse(text, binary []byte) (*request, error) {
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, malformed("the request is not the JSON of an inference", err)
	}
	inputs, err := listOf[inputJSON](h.Inputs, "inputs")
	if err != nil {
		return nil, err
	}
	if len(inputs) == 0 {
		return nil, functions.Errorf(functions.Invalid, "the request has no inputs")
	}
	outputs, err := listOf[outputJSON](h.Outputs, "outputs")
	if err != nil {
		return nil, err
	}
	r := &request{id: h.ID, parameters: h.Parameters}
	for _, in := range inputs {
		made := input{tensorHead: tensorHead{in.Name, in.Datatype, in.Shape}, parameters: in.Parameters}
		size, isBinary, err := in.Parameters.binarySize(in.Name)
		switch {
		case err != nil:
			return nil, err
		case isBinary && in.Data != nil:
			return nil, functions.Errorf(functions.Invalid, "input %.64q has both data and binary_data_size", in.Name)
		case isBinary && size > len(binary):
			return nil, functions.Errorf(functions.Invalid, "input %.64q has a binary_data_size of %d, and %d bytes are left", in.Name, size, len(binary))
		case isBinary:
			made.values, binary = raw(binary[:size:size]), binary[size:]
		default:
			made.values = textual{in.Data, max(1, len(in.Shape))}
		}
		r.inputs = append(r.inputs, made)
	}
	if len(binary) > 0 {
		return nil, functions.Errorf(functions.Invalid, "%d bytes after the request belong to no input", len(binary))
	}
	for _, out := range outputs {
		r.outputs = append(r.outputs, wanted{out.Name, out.Parameters})
	}
	return r, nil
}

// malformed is err where that says what a caller may read, else what.
func malformed(what string, err error) error {
	if own, is := errors.AsType[*functions.Error](err); is {
		return own
	}
	return functions.Errorf(functions.Invalid, "%s", what).Because(err)
}

// binarySize is a tensor's binary_data_size, where it has one.
func (p parameters) binarySize(name string) (size int, is bool, err error) {
	value, is := p["binary_data_size"]
	if !is {
		return 0, false, nil
	}
	n, whole := value.(int64)
	if !whole || n < 0 || n > mostMaxBytes {
		return 0, true, functions.Errorf(functions.Invalid, "input %.64q: binary_data_size is a number of bytes", name)
	}
	return int(n), true, nil
}

// listOf reads a list of at most [mostTensors].
func listOf[T any](text json.RawMessage, what string) ([]T, error) {
	broken := func(err error) error { return malformed(what+" are not as the protocol has them", err) }
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if opening, err := d.Token(); err != nil || opening != json.Delim('[') {
		return nil, broken(err)
	}
	var list []T
	for d.More() {
		if len(list) == mostTensors {
			return nil, functions.Errorf(functions.Invalid, "there are more than %d %s", mostTensors, what)
		}
		var one T
		if err := d.Decode(&one); err != nil {
			return nil, broken(err)
		}
		list = append(list, one)
	}
	return list, nil
}

// shapeJSON is a shape, bounded before it is read.
type shapeJSON []int64

// UnmarshalJSON satisfies json.Unmarshaler.
func (s *shapeJSON) UnmarshalJSON(text []byte) error {
	if bytes.Count(text, []byte(",")) >= mostAxes {
		return functions.Errorf(functions.Invalid, "a shape of more than %d axes", mostAxes)
	}
	return json.Unmarshal(text, (*[]int64)(s))
}

// mostParameters bounds the text of the parameters of a message or a tensor.
const mostParameters = 16 << 10

// UnmarshalJSON satisfies json.Unmarshaler.
func (p *parameters) UnmarshalJSON(text []byte) error {
	if len(text) > mostParameters {
		return functions.Errorf(functions.Invalid, "parameters of more than %d bytes", mostParameters)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return err
	}
	for name, value := range all {
		if n, is := value.(json.Number); is {
			if whole, err := n.Int64(); err == nil {
				all[name] = whole
			} else if all[name], err = n.Float64(); err != nil {
				return err
			}
		}
	}
	*p = all
	return nil
}

func parseNumber(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
