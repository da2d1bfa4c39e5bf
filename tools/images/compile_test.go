package main

import (
	"strings"
	"testing"
)

func TestAMissingCompilerIsSaidLoudlyAndIsAnErrorWhereThePlatformWasNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var said strings.Builder
	b := builder{options: options{platforms: []platform{amd64, arm64}, runtimeName: runtimeName}, work: t.TempDir(), stdout: &said}
	if _, err := b.runtime(t.Context()); err == nil || !strings.Contains(err.Error(), "no platform") {
		t.Errorf("runtime = %v; want it to say that there is no platform left", err)
	}
	for _, want := range []string{"!!! saccade-runtime is NOT built for linux/arm64", "!!! saccade-runtime is NOT built for linux/amd64", "apt-get install gcc"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("said is %q; want %q in it", said.String(), want)
		}
	}
	b.options.platforms, b.options.explicit = []platform{arm64}, true
	if _, err := b.runtime(t.Context()); err == nil || !strings.Contains(err.Error(), "apt-get install gcc") {
		t.Errorf("runtime = %v; want it to say how to get a compiler", err)
	}
}
