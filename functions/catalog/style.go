package catalog

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// lambdaSettable are the fields under spec.scaling that style lambda reads as they
// stand. Every other there is style kubernetes' own.
var lambdaSettable = []string{"spec.scaling.style", "spec.scaling.startTimeout", "spec.scaling.timeout"}

const lambdaPrefix = "spec.scaling.lambda."

// validateStyle refuses the settings of one style in the other: they would be read
// by nobody. What functions.WithDefaults fills is no such setting.
func (found *faults) validateStyle(f functions.Function) {
	s := f.Spec.Scaling
	if !s.IsLambda() {
		each(f, func(path string, v reflect.Value) {
			if strings.HasPrefix(path, lambdaPrefix) && !v.IsZero() && !found.has(path) {
				found.at(path, "belongs to style lambda; this function's style is kubernetes")
			}
		})
		return
	}
	// What the style alone makes of the function: nothing but that may be there.
	var bare functions.Function
	bare.Spec.Scaling = functions.Scaling{Style: s.Style, Lambda: s.Lambda}
	completed := map[string]any{}
	each(bare.WithDefaults(), func(path string, v reflect.Value) { completed[path] = v.Interface() })
	each(f, func(path string, v reflect.Value) {
		if v.IsZero() || found.has(path) || !lambdaFixes(path) || reflect.DeepEqual(v.Interface(), completed[path]) {
			return
		}
		switch {
		case strings.HasPrefix(path, "spec.resources."):
			found.at(path, "style lambda has memory as its only size: set spec.scaling.lambda.memory")
		case path == "spec.runtime.parallel" || path == "spec.scaling.containerConcurrency":
			found.at(path, "style lambda has one request at a time in an instance")
		default:
			found.at(path, "belongs to style kubernetes; this function's style is lambda")
		}
	})
	if limit := functions.LambdaInitTimeout; time.Duration(s.StartTimeout) > limit && !found.has("spec.scaling.startTimeout") {
		found.at("spec.scaling.startTimeout", "%s is more than the %s that style lambda gives an instance", short(time.Duration(s.StartTimeout)), short(limit))
	}
	if limit := functions.LambdaMaxTimeout; time.Duration(s.Timeout) > limit && !found.has("spec.scaling.timeout") {
		found.at("spec.scaling.timeout", "%s is more than style lambda's %s", short(time.Duration(s.Timeout)), short(limit))
	}
	l := s.Lambda
	if l.ReservedConcurrency > 0 && l.ProvisionedConcurrency > l.ReservedConcurrency &&
		!found.has(lambdaPrefix+"provisionedConcurrency") && !found.has(lambdaPrefix+"reservedConcurrency") {
		found.at(lambdaPrefix+"provisionedConcurrency", "%d is more than reservedConcurrency, %d", l.ProvisionedConcurrency, l.ReservedConcurrency)
	}
}

// lambdaFixes tells the fields whose values follow from the style.
func lambdaFixes(path string) bool {
	switch {
	case strings.HasPrefix(path, lambdaPrefix), slices.Contains(lambdaSettable, path):
		return false
	}
	return strings.HasPrefix(path, "spec.scaling.") || strings.HasPrefix(path, "spec.resources.") || path == "spec.runtime.parallel"
}

// each visits every field of f that holds a value.
func each(f functions.Function, visit func(path string, v reflect.Value)) {
	leaves("", reflect.ValueOf(f), visit)
}
