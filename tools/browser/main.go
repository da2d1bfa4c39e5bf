// Command browser writes a sample of the report of a contrast, to look at; its tests
// look at the same in a real browser.
//
// It receives a folder and hands on what report.WriteFolder writes. The traffic is
// simulated. It is a module of its own, so that what drives the browser is no part of
// the product.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/seed45885407/saccade/contrast/report"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("browser", flag.ContinueOnError)
	out := flags.String("out", "out/report", "the folder to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	in, err := sample()
	if err != nil {
		return err
	}
	if err := report.WriteFolder(*out, in); err != nil {
		return err
	}
	headline, _, err := report.Verdict(in)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, headline)
	return err
}
