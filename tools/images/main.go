// Command images builds Saccade's container images without Docker: `saccade`, the
// command line and gateway, `saccade-runtime`, the server of one function, and where
// asked for one of a model alone.
//
// It receives the repository, the machine's Go, C compiler and C library, and hands
// on, in out/images, an OCI layout of each image for every platform, an SPDX list of
// what is in it (a file, and a referrer in the layout), where asked a docker-archive,
// and where asked the same in a registry. There is no base image: what the runtime
// needs of the machine it was built on is found by reading its ELF files. The same
// input gives the same digests: times come from the commit, names are sorted, and no
// path of the machine goes in.
//
// It refuses a library whose SHA-256 is not the one written here, a model that is not
// the one its function.yaml means, and to leave out a platform that was asked for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// run builds everything before it writes anything, and writes everything before it
// pushes anything: a failure leaves what was there before.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	stamp, err := stampOf(ctx, o)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "saccade-images-")
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer os.RemoveAll(work)

	b := builder{options: o, stamp: stamp, work: work, stdout: stdout}
	var sets []set
	if slices.Contains(o.only, gatewayName) {
		s, err := b.gateway(ctx)
		if err != nil {
			return fmt.Errorf("building %s: %w", gatewayName, err)
		}
		sets = append(sets, s)
	}
	if slices.Contains(o.only, runtimeName) {
		s, err := b.runtime(ctx)
		if err != nil {
			return fmt.Errorf("building %s: %w", runtimeName, err)
		}
		sets = append(sets, s)
	}
	if slices.Contains(o.only, modelKind) {
		s, err := b.model()
		if err != nil {
			return fmt.Errorf("packing the model: %w", err)
		}
		sets = append(sets, s)
	}
	for _, s := range sets {
		if err := s.write(o.out, o.archive, stdout); err != nil {
			return fmt.Errorf("writing %s: %w", s.name, err)
		}
	}
	for _, s := range sets {
		if o.push == "" {
			break
		}
		if err := s.push(ctx, o.push, stdout); err != nil {
			return fmt.Errorf("pushing %s: %w", s.name, err)
		}
	}
	shown, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nThe images are in %s\n", shown)
	return nil
}
