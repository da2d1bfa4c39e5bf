package sources

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/sources/folder"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/nats"
)

// UnmarshalYAML reads the options of the kind that is named. A field that the kind does
// not have is an error: it would mean something to whoever wrote it.
func (o *Options) UnmarshalYAML(node *yaml.Node) error {
	var head struct {
		Kind string `yaml:"kind"`
	}
	if err := node.Decode(&head); err != nil {
		return err
	}
	*o = Options{Kind: head.Kind}
	var into any
	switch head.Kind {
	case KindNATS:
		o.NATS = &nats.Options{}
		into = o.NATS
	case KindMQTT:
		o.MQTT = &mqtt.Options{}
		into = o.MQTT
	case KindFolder:
		o.Folder = &folder.Options{}
		into = o.Folder
	default:
		return fmt.Errorf("line %d: kind: %q is not nats, mqtt or folder", node.Line, head.Kind)
	}
	return decode(node, into, head.Kind, "kind")
}

// SinkOptions are one broker that answers may go to: in YAML, kind (nats or mqtt) and
// beside it the fields of the kind's own options.
type SinkOptions struct {
	Kind string
	NATS *nats.PublisherOptions
	MQTT *mqtt.PublisherOptions
}

// UnmarshalYAML reads the options of the kind that is named.
func (o *SinkOptions) UnmarshalYAML(node *yaml.Node) error {
	var head struct {
		Kind string `yaml:"kind"`
	}
	if err := node.Decode(&head); err != nil {
		return err
	}
	*o = SinkOptions{Kind: head.Kind}
	switch head.Kind {
	case KindNATS:
		o.NATS = &nats.PublisherOptions{}
		return decode(node, o.NATS, head.Kind, "kind")
	case KindMQTT:
		o.MQTT = &mqtt.PublisherOptions{}
		return decode(node, o.MQTT, head.Kind, "kind")
	}
	return fmt.Errorf("line %d: kind: %q is not nats or mqtt", node.Line, head.Kind)
}

// decode reads a mapping and refuses fields that into does not have: a decoder that is
// strict itself forgets so below an UnmarshalYAML.
func decode(node *yaml.Node, into any, kind string, also ...string) error {
	if err := unknown(node, reflect.TypeOf(into), kind, also...); err != nil {
		return err
	}
	return node.Decode(into)
}

func unknown(node *yaml.Node, t reflect.Type, kind string, also ...string) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if node.Kind == yaml.SequenceNode {
			for _, element := range node.Content {
				if err := unknown(element, t.Elem(), kind); err != nil {
					return err
				}
			}
			return nil
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || node.Kind != yaml.MappingNode {
		return nil // decoding says what is wrong
	}
	known := map[string]reflect.Type{}
	for _, name := range also {
		known[name] = reflect.TypeFor[string]()
	}
	fields(t, known)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		of, ok := known[key.Value]
		if !ok {
			return fmt.Errorf("line %d: a source or sink of kind %s has no field %q", key.Line, kind, key.Value)
		}
		if err := unknown(node.Content[i+1], of, kind); err != nil {
			return err
		}
	}
	return nil
}

// fields are those of a struct by their names in YAML.
func fields(t reflect.Type, into map[string]reflect.Type) {
	for field := range t.Fields() {
		name, rest, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if rest == "inline" {
			fields(field.Type, into)
			continue
		}
		into[name] = field.Type
	}
}
