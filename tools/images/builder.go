package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// builder makes the blueprints of both images.
type builder struct {
	options options
	stamp   stamp
	// work is a folder that is removed at the end.
	work   string
	stdout io.Writer
}

// gateway builds the image of the static program: it needs no compiler but Go's, and
// so is built for every platform everywhere.
func (b builder) gateway(ctx context.Context) (set, error) {
	s := set{name: gatewayName, reference: b.options.prefix + gatewayName, stamp: b.stamp}
	for _, p := range b.options.platforms {
		built, err := b.compile(ctx, p, gatewayName, "")
		if err != nil {
			return s, err
		}
		roots, err := certificatesComponent()
		if err != nil {
			return s, err
		}
		plan := blueprint{
			platform: p, config: gatewayConfig(), title: gatewayName,
			description: "Saccade: the command line and the gateway",
			parts:       []part{b.base(), b.program(gatewayName, built)},
			components:  sortComponents(append(built.modules, roots, b.self())),
		}
		if err := s.add(plan); err != nil {
			return s, err
		}
	}
	return s, nil
}

// runtime builds the image of the function server, for the platforms that this machine
// has a compiler for.
func (b builder) runtime(ctx context.Context) (set, error) {
	s := set{name: b.options.runtimeName, reference: b.options.prefix + b.options.runtimeName, stamp: b.stamp}
	for _, p := range b.options.platforms {
		cc, err := compiler(p)
		if err != nil && b.options.explicit {
			return s, err
		} else if err != nil {
			fmt.Fprintf(b.stdout, "\n!!! %s is NOT built for %s: %v\n\n", runtimeName, p, err)
			continue
		}
		plan, err := b.runtimePlan(ctx, p, cc)
		if err != nil {
			return s, fmt.Errorf("for %s: %w", p, err)
		}
		if err := s.add(plan); err != nil {
			return s, err
		}
	}
	if len(s.images) == 0 {
		return s, errors.New("this machine can build it for no platform")
	}
	return s, nil
}

func (b builder) runtimePlan(ctx context.Context, p platform, cc string) (blueprint, error) {
	built, err := b.compile(ctx, p, runtimeName, cc)
	if err != nil {
		return blueprint{}, err
	}
	roots, err := certificatesComponent()
	if err != nil {
		return blueprint{}, err
	}
	plan := blueprint{
		platform: p, config: runtimeConfig(), title: b.options.runtimeName,
		description: "Saccade: the server of one function",
		components:  append(append(built.modules, roots, b.self()), codecComponents()...),
	}
	found, err := b.engines(ctx, p)
	if err != nil {
		return plan, err
	}
	plan.components = append(plan.components, found.components...)
	need, err := closure(p.machine, append(b.options.cuda, p.folders()...), append([]string{built.path}, found.files...), found.allowed...)
	if err != nil {
		return plan, fmt.Errorf("finding the libraries it needs: %w", err)
	}
	libc, components, err := libraries(ctx, p, need)
	if err != nil {
		return plan, err
	}
	plan.components = append(plan.components, components...)
	own := b.program(runtimeName, built)
	own.items = append(own.items, b.codecNotices()...)
	plan.parts = []part{b.base(), libc, found.part, own}
	if found.cuda {
		plan.config = withCUDA(plan.config)
	}
	if b.options.function != "" {
		m, err := modelOf(b.options)
		if err != nil {
			return plan, fmt.Errorf("putting the model in: %w", err)
		}
		plan.components = append(plan.components, m.component)
		plan.parts = append(plan.parts, m.part)
		plan.config.command = []string{"--model=/models", "--listen=0.0.0.0:8080", "--log=json"}
	}
	plan.components = sortComponents(plan.components)
	return plan, nil
}

func (b builder) base() part {
	return base(filepath.Join(b.options.root, "LICENSE"), filepath.Join(b.options.root, "NOTICE"))
}

// program is the part that every version changes: the program and its notices.
func (b builder) program(name string, built binary) part {
	notices := item{path: docs + "THIRD-PARTY", mode: 0o644, data: built.notices}
	return part{title: name, items: []item{program(name, built.path), notices}}
}

func (b builder) self() component {
	const module = "github.com/seed45885407/saccade"
	return component{name: module, version: b.stamp.version, licence: "Apache-2.0", purl: "pkg:golang/" + module + "@" + strings.ReplaceAll(b.stamp.version, "+", "%2B")}
}
