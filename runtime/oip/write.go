package oip

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/seed45885407/saccade/functions"
)

// headerLength is where the JSON of a body ends that has values as bytes after it.
const headerLength = "Inference-Header-Content-Length"

// answerInfer writes the outputs: as JSON, and those that are wanted as bytes after it.
func answerInfer(w http.ResponseWriter, to called, r *request, outputs []tensor) error {
	text := []byte(`{"model_name":`)
	text = strconv.AppendQuote(text, to.name()) // a valid name is plain ASCII
	text = append(text, `,"model_version":"`+version+`"`...)
	if r.id != "" {
		id, err := json.Marshal(r.id)
		if err != nil {
			return err
		}
		text = append(append(text, `,"id":`...), id...)
	}
	text = append(text, `,"outputs":[`...)
	var binary []byte
	isBinary := false
	for i, out := range outputs {
		if i > 0 {
			text = append(text, ',')
		}
		head, err := json.Marshal(out.tensorHead)
		if err != nil {
			return err
		}
		text = append(text, head[:len(head)-1]...)
		if r.binary(i) {
			values := out.raw()
			text = append(text, `,"parameters":{"binary_data_size":`...)
			text = append(strconv.AppendInt(text, int64(len(values)), 10), "}}"...)
			binary, isBinary = append(binary, values...), true
			continue
		}
		text = append(text, `,"data":`...)
		if text, err = out.appendJSON(text); err != nil {
			return err
		}
		text = append(text, '}')
	}
	text = append(text, "]}"...)
	media := "application/json"
	if isBinary {
		media = "application/octet-stream"
		w.Header().Set(headerLength, strconv.Itoa(len(text)))
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+len(binary)))
	_, _ = w.Write(text) // the caller is gone if this fails
	_, _ = w.Write(binary)
	return nil
}

// binary says whether output i is wanted as bytes: by its own word, else by the
// request's.
func (r *request) binary(i int) bool {
	if r.outputs != nil {
		if says, is := r.outputs[i].parameters["binary_data"].(bool); is {
			return says
		}
	}
	says, _ := r.parameters["binary_data_output"].(bool)
	return says
}

// appendJSON appends the values as a flat list. Floats are the shortest text that
// reads as the same value again.
func (t tensor) appendJSON(text []byte) ([]byte, error) {
	text = append(text, '[')
	switch t.Datatype {
	case fp32:
		for _, v := range t.floats {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, functions.Errorf(functions.Invalid,
					"output %q has values that are not finite, which JSON cannot say; ask for it with binary_data", t.Name)
			}
			text = append(strconv.AppendFloat(text, float64(v), 'g', -1, 32), ',')
		}
	case int64s:
		for _, v := range t.ints {
			text = append(strconv.AppendInt(text, v, 10), ',')
		}
	case bytess:
		for _, v := range t.texts {
			quoted, err := json.Marshal(string(v))
			if err != nil {
				return nil, err
			}
			text = append(append(text, quoted...), ',')
		}
	}
	if text[len(text)-1] == ',' {
		text = text[:len(text)-1]
	}
	return append(text, ']'), nil
}
