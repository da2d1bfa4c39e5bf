package oip

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/seed45885407/saccade/functions"
)

// textual are values as JSON: a flat list, or lists in each other as deep as the
// shape has axes. The JSON has been found to be well-formed.
type textual struct {
	text  json.RawMessage
	depth int
}

func (t textual) floats(n int) ([]float32, error) {
	list := make([]float32, 0, n)
	err := t.each(n, func(token []byte) error {
		v, err := strconv.ParseFloat(string(token), 32)
		if err != nil {
			return functions.Errorf(functions.Invalid, "has the value %.32q, which is no number of 32 bits", token)
		}
		list = append(list, float32(v))
		return nil
	})
	return list, err
}

func (t textual) ints(n int) ([]int64, error) {
	list := make([]int64, 0, n)
	err := t.each(n, func(token []byte) error {
		v, err := strconv.ParseInt(string(token), 10, 64)
		if err != nil {
			return functions.Errorf(functions.Invalid, "has the value %.32q, which is no whole number of 64 bits", token)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

// texts are in base64: JSON holds text alone, and pictures are none.
func (t textual) texts(n int) ([][]byte, error) {
	list := make([][]byte, 0, min(n, mostTensors))
	err := t.each(n, func(token []byte) error {
		var text string
		if err := json.Unmarshal(token, &text); err != nil {
			return functions.Errorf(functions.Invalid, "has a value that is no text").Because(err)
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return functions.Errorf(functions.Invalid, "is not base64, which bytes in JSON are").Because(err)
		}
		list = append(list, data)
		return nil
	})
	return list, err
}

// each calls use with the text of each value, and fails where there are not n.
func (t textual) each(n int, use func(token []byte) error) error {
	depth, seen := 0, 0
	for text := []byte(t.text); len(text) > 0; {
		switch c := text[0]; c {
		case ' ', '\t', '\r', '\n', ',':
			text = text[1:]
		case ']':
			depth--
			text = text[1:]
		case '[':
			if depth++; depth > t.depth {
				return functions.Errorf(functions.Invalid, "has data nested deeper than its shape")
			}
			text = text[1:]
		case '{':
			return functions.Errorf(functions.Invalid, "has an object in its data")
		default:
			if depth == 0 {
				return functions.Errorf(functions.Invalid, "has data that is no list")
			}
			if seen++; seen > n {
				return functions.Errorf(functions.Invalid, "has more values than the %d of its shape", n)
			}
			size := tokenSize(text)
			if err := use(text[:size]); err != nil {
				return err
			}
			text = text[size:]
		}
	}
	if seen != n {
		return functions.Errorf(functions.Invalid, "has %d values, and its shape says %d", seen, n)
	}
	return nil
}

// tokenSize is the length of the value that text begins with.
func tokenSize(text []byte) int {
	inText := text[0] == '"'
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case inText && c == '"':
			return i + 1
		case inText:
		case c == ',' || c == ']' || c == '}' || c <= ' ':
			return i
		}
	}
	return len(text)
}
