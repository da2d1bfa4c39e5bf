package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
)

func TestEachStyleHasItsOwnSettings(t *testing.T) {
	const lambda = "  scaling:\n    style: lambda\n"
	for name, c := range map[string]struct{ text, want string }{
		"lambda alone":                         {lambda, ""},
		"all of lambda's":                      {lambda + "    startTimeout: 2s\n    timeout: 15m\n    lambda: {memory: 10240, reservedConcurrency: 3, provisionedConcurrency: 3, keepAlive: 1s, versionWeight: 10}\n", ""},
		"what follows from it, said again":     {lambda + "    containerConcurrency: 1\n    maxScale: 3\n    lambda: {reservedConcurrency: 3}\n  resources: {cpu: 1, memory: 1769Mi}\n", ""},
		"an autoscaler in lambda":              {lambda + "    autoscaler: kpa\n", "9: spec.scaling.autoscaler: belongs to style kubernetes; this function's style is lambda"},
		"a window in lambda":                   {lambda + "    window: 60s\n", "spec.scaling.window: belongs to style kubernetes"},
		"a minScale in lambda":                 {lambda + "    minScale: 1\n", "spec.scaling.minScale: belongs to style kubernetes"},
		"two requests in an instance":          {lambda + "    containerConcurrency: 2\n", "spec.scaling.containerConcurrency: style lambda has one request at a time in an instance"},
		"two runs in an instance":              {lambda + "  runtime: {parallel: 2}\n", "spec.runtime.parallel: style lambda has one request at a time"},
		"CPU beside memory":                    {lambda + "  resources: {cpu: 2}\n", "spec.resources.cpu: style lambda has memory as its only size"},
		"memory of Kubernetes":                 {lambda + "  resources: {memory: 2Gi}\n", "spec.resources.memory: style lambda has memory as its only size"},
		"a long start":                         {lambda + "    startTimeout: 11s\n", "spec.scaling.startTimeout: 11s is more than the 10s that style lambda gives an instance"},
		"a long request":                       {lambda + "    timeout: 16m\n", "spec.scaling.timeout: 16m is more than style lambda's 15m"},
		"more provisioned than reserved":       {lambda + "    lambda: {reservedConcurrency: 1, provisionedConcurrency: 2}\n", "spec.scaling.lambda.provisionedConcurrency: 2 is more than reservedConcurrency, 1"},
		"too little memory":                    {lambda + "    lambda: {memory: 127}\n", "spec.scaling.lambda.memory: 127 is not between 128 and 10240"},
		"lambda's settings without its style":  {"  scaling:\n    lambda: {keepAlive: 5m}\n", "8: spec.scaling.lambda.keepAlive: belongs to style lambda; this function's style is kubernetes"},
		"a style that there is not":            {"  scaling:\n    style: lamda\n", "spec.scaling.style: lamda is not one of kubernetes, lambda: did you mean lambda?"},
		"lambda's settings in the other style": {"  scaling:\n    style: kubernetes\n    lambda: {memory: 512}\n", "spec.scaling.lambda.memory: belongs to style lambda"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := catalog.Read(folder("function.yaml", minimal+c.text), ".")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// What was completed is as valid as what was written.
func TestACompletedFunctionOfEitherStyleIsValid(t *testing.T) {
	for _, style := range []string{functions.StyleKubernetes, functions.StyleLambda} {
		f := functions.Function{APIVersion: functions.APIVersion, Kind: functions.KindFunction}
		f.Metadata.Name, f.Spec.Model.URI = "eye", "eye.onnx"
		f.Spec.Scaling.Style = style
		if style == functions.StyleLambda {
			f.Spec.Scaling.Lambda = functions.Lambda{Memory: 2000, ReservedConcurrency: 4, ProvisionedConcurrency: 1, KeepAlive: functions.Duration(time.Minute)}
		}
		if err := catalog.Validate(f.WithDefaults()); err != nil {
			t.Errorf("%s: %v", style, err)
		}
	}
}
