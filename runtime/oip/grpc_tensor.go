package oip

import (
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
)

// understood is the inference that a message asks for. It shares its memory.
func understood(r *inference.ModelInferRequest) (*request, error) {
	contents := r.GetRawInputContents()
	switch {
	case len(r.GetInputs()) == 0:
		return nil, functions.Errorf(functions.Invalid, "the request has no inputs")
	case len(r.GetInputs()) > mostTensors || len(r.GetOutputs()) > mostTensors:
		return nil, functions.Errorf(functions.Invalid, "there are more than %d inputs or outputs", mostTensors)
	case len(contents) > 0 && len(contents) != len(r.GetInputs()):
		return nil, functions.Errorf(functions.Invalid, "raw_input_contents has %d tensors, and there are %d inputs", len(contents), len(r.GetInputs()))
	}
	asked := &request{id: r.GetId(), parameters: parametersOf(r.GetParameters())}
	for i, in := range r.GetInputs() {
		if len(in.GetShape()) > mostAxes {
			return nil, functions.Errorf(functions.Invalid, "input %.64q has more than %d axes", in.GetName(), mostAxes)
		}
		made := input{
			tensorHead: tensorHead{in.GetName(), in.GetDatatype(), in.GetShape()},
			parameters: parametersOf(in.GetParameters()),
		}
		switch {
		case len(contents) == 0:
			made.values = typed{in.GetContents()}
		case in.GetContents() != nil:
			return nil, functions.Errorf(functions.Invalid, "input %.64q has contents beside raw_input_contents", in.GetName())
		default:
			made.values = raw(contents[i])
		}
		asked.inputs = append(asked.inputs, made)
	}
	for _, out := range r.GetOutputs() {
		asked.outputs = append(asked.outputs, wanted{out.GetName(), parametersOf(out.GetParameters())})
	}
	return asked, nil
}

// parametersOf are the values of a message's parameters.
func parametersOf(of map[string]*inference.InferParameter) parameters {
	all := make(parameters, len(of))
	for name, p := range of {
		switch v := p.GetParameterChoice().(type) {
		case *inference.InferParameter_BoolParam:
			all[name] = v.BoolParam
		case *inference.InferParameter_Int64Param:
			all[name] = v.Int64Param
		case *inference.InferParameter_StringParam:
			all[name] = v.StringParam
		case *inference.InferParameter_DoubleParam:
			all[name] = v.DoubleParam
		case *inference.InferParameter_Uint64Param:
			all[name] = float64(v.Uint64Param)
		default:
			all[name] = nil
		}
	}
	return all
}

// typed are values in the field of their type.
type typed struct{ *inference.InferTensorContents }

func many[T any](list []T, n int) ([]T, error) {
	if len(list) != n {
		return nil, functions.Errorf(functions.Invalid, "has %d values in the contents of its type, and its shape says %d", len(list), n)
	}
	return list, nil
}

func (t typed) floats(n int) ([]float32, error) { return many(t.GetFp32Contents(), n) }
func (t typed) ints(n int) ([]int64, error)     { return many(t.GetInt64Contents(), n) }
func (t typed) texts(n int) ([][]byte, error)   { return many(t.GetBytesContents(), n) }

// answered is the message of the outputs, as bytes where the inputs were.
func answered(to called, r *inference.ModelInferRequest, outputs []tensor) *inference.ModelInferResponse {
	answer := &inference.ModelInferResponse{ModelName: to.name(), ModelVersion: version, Id: r.GetId()}
	for _, out := range outputs {
		made := &inference.ModelInferResponse_InferOutputTensor{Name: out.Name, Datatype: out.Datatype, Shape: out.Shape}
		if len(r.GetRawInputContents()) > 0 {
			answer.RawOutputContents = append(answer.RawOutputContents, out.raw())
		} else {
			made.Contents = &inference.InferTensorContents{Fp32Contents: out.floats, Int64Contents: out.ints, BytesContents: out.texts}
		}
		answer.Outputs = append(answer.Outputs, made)
	}
	return answer
}
