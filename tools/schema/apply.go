package main

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/seed45885407/saccade/functions/catalog"
)

// uriPattern is the shape of an address: a scheme we know, or a relative path.
const uriPattern = `^((https?|file):.+|[^/:]+(/.*)?)$`

// apply puts the rule and the default of the field f into its schema.
func apply(s *jsonschema.Schema, rule catalog.Rule, f catalog.Field) error {
	s.Default = defaultOf(f)
	switch kind := deref(f.Type).Kind(); {
	case rule.Duration:
		s.Description += " Allowed: " + rule.String() + "."
	case rule.Quantity:
		// YAML reads cpu: 2 as a number, and so does the catalog.
		s.Type = ""
		s.AnyOf = []*jsonschema.Schema{
			{Type: "string", Pattern: rule.Pattern},
			{Type: "number", ExclusiveMinimum: "0"},
		}
	case kind == reflect.Int || kind == reflect.Float64:
		return applyNumber(s, rule, f.Path)
	case kind == reflect.Slice && f.Type.Elem().Kind() == reflect.Float64:
		s.MinItems, s.MaxItems = new(uint64(max(1, rule.Items))), new(uint64(rule.ItemLimit()))
		return applyNumber(s.Items, rule, f.Path)
	case kind == reflect.Slice:
		s.MinItems, s.MaxItems = new(uint64(1)), new(uint64(rule.ItemLimit()))
		s.UniqueItems = rule.OneOf != nil
		s.Items.MinLength = new(uint64(1))
		applyText(s.Items, rule)
	case kind == reflect.Map:
		s.MaxProperties = new(uint64(rule.ItemLimit()))
		applyText(s.AdditionalProperties, rule)
	case kind == reflect.String:
		applyText(s, rule)
	}
	if f.Path == "spec.model.uri" {
		s.Pattern = uriPattern
	}
	return nil
}

func applyNumber(s *jsonschema.Schema, rule catalog.Rule, field string) error {
	least := rule.Min
	if rule.Zero && rule.Min > 0 {
		if rule.Min != rule.Step {
			if rule.Step != 0 {
				return fmt.Errorf("%s: 0 and multiples that do not begin with the least one cannot be said", field)
			}
			s.AnyOf = []*jsonschema.Schema{{Const: 0}, {Minimum: number(rule.Min), Maximum: number(rule.Max)}}
			return nil
		}
		least = 0
	}
	if rule.Max != 0 {
		s.Minimum, s.Maximum = number(least), number(rule.Max)
	}
	if rule.Step != 0 {
		s.MultipleOf = number(rule.Step)
	}
	return nil
}

func applyText(s *jsonschema.Schema, rule catalog.Rule) {
	switch {
	case len(rule.OneOf) == 1:
		s.Const = rule.OneOf[0]
	case rule.OneOf != nil:
		for _, v := range rule.OneOf {
			s.Enum = append(s.Enum, v)
		}
	default:
		s.Pattern = rule.Pattern
		s.MaxLength = new(uint64(rule.LengthLimit()))
	}
}

func number(v float64) json.Number { return json.Number(strconv.FormatFloat(v, 'f', -1, 64)) }

// defaultOf is the default as JSON has it.
func defaultOf(f catalog.Field) any {
	if f.Default == "" {
		return nil
	}
	switch deref(f.Type).Kind() {
	case reflect.Int, reflect.Float64:
		return json.Number(f.Default)
	case reflect.Slice:
		return strings.Split(strings.Trim(f.Default, "[]"), ", ")
	}
	return f.Default
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// addComments gives r the doc comments of the package in the folder source.
func addComments(r *jsonschema.Reflector, source string) error {
	const base = "base"
	if err := r.AddGoComments(base, source, jsonschema.WithFullComment()); err != nil {
		return err
	}
	// They are keyed by base and the path to source, types by their import path.
	found := path.Join(base, filepath.ToSlash(source))
	comments := map[string]string{}
	for key, text := range r.CommentMap {
		if name, ok := strings.CutPrefix(key, found+"."); ok {
			comments[module+"."+name] = text
		}
	}
	r.CommentMap = comments
	return nil
}

var docLink = regexp.MustCompile(`\[([A-Z][A-Za-z0-9.]*)\]`)

// describe makes doc comments into plain sentences.
func describe(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.Description = docLink.ReplaceAllString(strings.Join(strings.Fields(s.Description), " "), "$1")
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		describe(p.Value)
	}
}
