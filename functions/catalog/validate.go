package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Validate checks a function that was made rather than read, as a file would be
// checked. A field that is zero counts as left out.
func Validate(f functions.Function) error {
	found := &faults{}
	found.validate(f)
	return found.err()
}

// validate holds every field of f against its rule, and then what two fields
// say together. Fields found wrong already are passed over.
func (found *faults) validate(f functions.Function) {
	rules := Rules()
	leaves("", reflect.ValueOf(f), func(path string, v reflect.Value) {
		rule := rules[path]
		switch {
		case found.has(path):
		case v.IsZero() && !found.present(path):
			if rule.Required {
				found.at(path, "is missing")
			}
		case v.Kind() == reflect.Slice:
			found.validateList(path, v, rule)
		case v.Kind() == reflect.Map:
			found.validateMap(path, v, rule)
		default:
			if text := rule.fault(reflect.Indirect(v)); text != "" {
				found.at(path, "%s", text)
			}
		}
	})

	s := f.Spec.Scaling
	if s.MaxScale > 0 && s.MinScale > s.MaxScale && !found.has("spec.scaling.minScale") && !found.has("spec.scaling.maxScale") {
		found.at("spec.scaling.minScale", "%d is more than maxScale, %d", s.MinScale, s.MaxScale)
	}
	found.validateModel(f.Spec.Model)
	found.validateRuntime(f.Spec)
	found.validateCluster(f.Spec)
	found.validateStyle(f)
}

func (found *faults) validateList(path string, v reflect.Value, rule Rule) {
	limit := rule.ItemLimit()
	if v.Len() == 0 {
		found.at(path, "is an empty list: leave it out")
		return
	}
	if rule.Items > 0 && v.Len() != rule.Items {
		found.at(path, "has %d items where %d belong, one a channel", v.Len(), rule.Items)
		return
	}
	if v.Len() > limit {
		found.at(path, "has %d items, more than %d", v.Len(), limit)
		return
	}
	for i := range v.Len() {
		item := fmt.Sprintf("%s[%d]", path, i)
		if text := rule.fault(v.Index(i)); text != "" {
			found.at(item, "%s", text)
		}
		// Class names may come twice, as some data sets have it; a choice may not.
		if rule.OneOf != nil && slices.Contains(v.Slice(0, i).Interface().([]string), v.Index(i).String()) {
			found.at(item, "%s is there already", quote(v.Index(i).String()))
		}
	}
}

func (found *faults) validateMap(path string, v reflect.Value, rule Rule) {
	if limit := rule.ItemLimit(); v.Len() > limit {
		found.at(path, "has %d items, more than %d", v.Len(), limit)
		return
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		item := join(path, quote(key.String()))
		if text := rule.fault(key); text != "" || key.String() == "" {
			found.at(item, "is no name")
		}
		if text := rule.fault(v.MapIndex(key)); text != "" {
			found.at(item, "%s", text)
		}
	}
}
