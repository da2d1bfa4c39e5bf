// Package description holds the gateway's OpenAPI 3.1 description.
//
// It receives nothing and hands on the description as it was written, in YAML, and
// the same in JSON, in the order it was written in: readers show operations in that
// order. It refuses, in JSON, what JSON cannot say. It knows no route and no Go type;
// tests of the gateway hold it against both.
package description

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var text []byte

// YAML is the description.
func YAML() []byte { return bytes.Clone(text) }

// JSON is the description in JSON, on one line.
func JSON() ([]byte, error) { return toJSON(text) }

// toJSON writes a YAML document in JSON, with its keys in their order and aliases
// resolved.
func toJSON(text []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	if document.Kind != yaml.DocumentNode {
		return nil, fmt.Errorf("reading the description: there is none")
	}
	var b bytes.Buffer
	if err := write(&b, document.Content[0]); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func write(b *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.AliasNode:
		return write(b, node.Alias)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range node.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.MappingNode:
		return writeObject(b, node)
	}
	return writeScalar(b, node)
}

func writeObject(b *bytes.Buffer, node *yaml.Node) error {
	b.WriteByte('{')
	for i := 0; i < len(node.Content); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return fmt.Errorf("line %d of the description: a key that JSON has not", key.Line)
		}
		if err := writeValue(b, key.Value); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := write(b, node.Content[i+1]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeScalar(b *bytes.Buffer, node *yaml.Node) error {
	switch node.ShortTag() {
	case "!!str":
		return writeValue(b, node.Value)
	case "!!null":
		return writeValue(b, nil)
	case "!!bool":
		value, err := strconv.ParseBool(node.Value)
		if err != nil {
			break
		}
		return writeValue(b, value)
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) { // as it was written, no digit more or less
			b.WriteString(node.Value)
			return nil
		}
	}
	return fmt.Errorf("line %d of the description: %q is nothing that JSON has; put quotes around it", node.Line, node.Value)
}

func writeValue(b *bytes.Buffer, value any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing the description: %w", err)
	}
	b.Truncate(b.Len() - 1) // the encoder ends lines
	return nil
}
