// Command faults breaks what the gateway stands on, under load, and counts.
//
// It receives the built binaries and starts them: the gateway as an operator would,
// a sink of its own, and where a scenario needs it a NATS server behind toxiproxy.
// It sends events that are to be answered later, kills, cuts, fills and turns clocks
// meanwhile, and hands on one row a scenario: what was sent, accepted, done, lost,
// and done twice. It knows the gateway by its doors alone. It refuses, by its exit
// status, any event that was accepted and neither answered nor given up with the
// reason, any that was answered under two ids, and a run that accepted too few.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// options say what is run, and how much of it.
type options struct {
	bin     string // folder with saccade, saccade-runtime and bare
	out     string // folder for logs and stores
	beside  int    // scenarios that are played at a time
	only    string // scenarios by name, with commas between; "" for all
	quick   bool
	scale   float64 // of the number of events
	atLeast int     // events that must be accepted in all
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == brokerCommand {
		exit(serveBroker(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "bin", "../../bin", "`folder` with saccade, saccade-runtime and bare")
	flags.StringVar(&o.out, "out", "", "`folder` for logs and stores (default: a new one, which stays where something went wrong)")
	flags.IntVar(&o.beside, "beside", 2, "`scenarios` that are played at a time")
	flags.StringVar(&o.only, "only", "", "these `scenarios` alone, with commas between: "+strings.Join(names(), ", "))
	flags.BoolVar(&o.quick, "quick", false, "a tenth of the events, in about a minute")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.scale, o.atLeast = 1, 20_000
	if o.quick {
		o.scale, o.atLeast, o.beside = 0.1, 2_000, 4
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	if o.only != "" {
		o.atLeast = 1
	}
	ours := o.out == ""
	if ours {
		if o.out, err = os.MkdirTemp("", "saccade-faults-"); err != nil {
			return err
		}
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxiproxy's words
	began := time.Now()
	rows := playAll(ctx, o, chosen, stderr)
	report(stdout, rows, time.Since(began))
	if err := errors.Join(verdict(rows, o.atLeast), ctx.Err()); err != nil {
		return fmt.Errorf("%w\nlogs and stores are in %s", err, o.out)
	}
	if ours {
		return os.RemoveAll(o.out)
	}
	return nil
}

// playAll plays the scenarios, a few at a time: each has a gateway of its own.
func playAll(ctx context.Context, o options, chosen []scenario, stderr io.Writer) []row {
	rows := make([]row, len(chosen))
	var group sync.WaitGroup
	places := make(chan struct{}, max(1, o.beside))
	for i, s := range chosen {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			rows[i] = play(ctx, o, s)
			fmt.Fprintf(stderr, "%s: %s\n", s.name, rows[i].short())
		})
	}
	group.Wait()
	return rows
}
