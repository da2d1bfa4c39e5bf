// Command schema writes the JSON Schema of function.yaml, which editors use to
// complete and check it: the shape and the descriptions come from the Go types
// and their comments, the ranges, choices and patterns from the catalog's rules.
//
//	go -C tools/schema run .           # writes functions/function.schema.json
//	go -C tools/schema test .          # fails where that file is out of date
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("schema", flag.ContinueOnError)
	root := flags.String("root", filepath.Join("..", ".."), "root of the repository")
	out := flags.String("o", "", "file to write (default functions/function.schema.json under the root)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(*root, "functions", "function.schema.json")
	}
	text, err := Generate(filepath.Join(*root, "functions"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, text, 0o644); err != nil {
		return fmt.Errorf("writing schema: %w", err)
	}
	return nil
}
