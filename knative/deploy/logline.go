package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// fromJSON is a line of slog's JSON handler as its text handler would write it,
// without time and level: message first, attributes after it in their order. What is
// no such line stays as it is.
func fromJSON(line string) string {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return line
	}
	var msg string
	var rest strings.Builder
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return line
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return line
		}
		switch key {
		case "time", "level":
		case "msg":
			if err := json.Unmarshal(value, &msg); err != nil {
				return line
			}
		default:
			fmt.Fprintf(&rest, " %s=%s", key, bytes.Trim(value, `"`))
		}
	}
	if msg == "" {
		return line
	}
	return msg + rest.String()
}
