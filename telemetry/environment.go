package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Variables of OpenTelemetry that decide whether there are traces.
const (
	envDisabled       = "OTEL_SDK_DISABLED"
	envExporter       = "OTEL_TRACES_EXPORTER"
	envEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	envSampler        = "OTEL_TRACES_SAMPLER"
	envSamplerArg     = "OTEL_TRACES_SAMPLER_ARG"
)

// samplers are those of the specification that the SDK has.
var samplers = []string{
	"always_on", "always_off", "traceidratio",
	"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// wanted says whether spans are to be exported, or why what is asked cannot be
// done. Of what is off nothing is checked.
func wanted() (bool, error) {
	exporter := get(envExporter)
	endpoint := cmp.Or(get(envTracesEndpoint), get(envEndpoint))
	switch {
	case strings.EqualFold(get(envDisabled), "true"), exporter == "none", exporter == "" && endpoint == "":
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("%s is %q; there are otlp and none", envExporter, exporter)
	}
	return true, errors.Join(protocolFault(), samplerFault())
}

// protocolFault keeps an endpoint that is meant for gRPC from getting HTTP.
func protocolFault() error {
	name := envTracesProtocol
	if get(name) == "" {
		name = envProtocol
	}
	if p := get(name); p != "" && p != "http/protobuf" {
		return fmt.Errorf("%s is %q; traces are sent as http/protobuf", name, p)
	}
	return nil
}

// samplerFault looks at what the SDK would replace by its default in silence.
func samplerFault() error {
	name := strings.ToLower(get(envSampler))
	if name != "" && !slices.Contains(samplers, name) {
		return fmt.Errorf("%s is %q; there are %s", envSampler, name, strings.Join(samplers, ", "))
	}
	arg := get(envSamplerArg)
	if !strings.HasSuffix(name, "traceidratio") || arg == "" {
		return nil
	}
	if share, err := strconv.ParseFloat(arg, 64); err != nil || !(share >= 0 && share <= 1) { // NaN is neither
		return fmt.Errorf("%s is %q; a share of traces is a number between 0 and 1", envSamplerArg, arg)
	}
	return nil
}

func get(name string) string { return strings.TrimSpace(os.Getenv(name)) }
