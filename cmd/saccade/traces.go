package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// tracesCommand is saccade traces.
func tracesCommand(cfg *config.Saccade) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "traces",
		Short: "Keep a record of when requests arrive, and look at traces",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(tracesListCommand(), tracesShowCommand(), tracesRecordCommand(cfg))
	return cmd
}

func tracesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the kinds of traffic that saccade contrast knows",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 3, ' ', 0)
			fmt.Fprintln(table, "NAME\tLENGTH\tREQUESTS\tAVERAGE")
			for _, t := range traces.Shipped() {
				n := len(t.Arrivals(1))
				fmt.Fprintf(table, "%s\t%v\t%d\t%.3g a second\n", strings.ReplaceAll(t.Name, " ", "-"), t.For, n, float64(n)/t.For.Seconds())
			}
			return table.Flush()
		},
	}
}

func tracesShowCommand() *cobra.Command {
	var function string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "show NAME|FILE",
		Short: "Draw a trace: one of saccade traces list, a record, a CSV or an access log",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trace, err := openTrace(args[0], function)
			if err != nil {
				return err
			}
			arrivals := trace.Arrivals(seed)
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d requests in %v\n%s\n", trace.Name, len(arrivals), trace.For.Round(time.Millisecond), sparks(arrivals, trace.For))
			return nil
		},
	}
	cmd.Flags().StringVarP(&function, "function", "f", "", "of a file, the `function` to show (default: its only one)")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "for what is drawn")
	return cmd
}

// tracesRecordCommand is saccade up that keeps a record.
func tracesRecordCommand(cfg *config.Saccade) *cobra.Command {
	cmd := upCommand(cfg)
	cmd.Use, cmd.Short = "record FILE", "Run the gateway as saccade up does, and keep a record of when requests arrive"
	cmd.Long = "Runs gateway and local platform until interrupted, and adds a line of JSON to FILE for each request: when it\n" +
		"arrived, for which function, and how long it was worked on. Nothing of pictures or callers is in it.\n" +
		"saccade up --record FILE is the same."
	cmd.Args = cobra.ExactArgs(1)
	up := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cmd.Flags().Set("record", args[0]); err != nil {
			return err
		}
		return up(cmd, nil)
	}
	cmd.Flag("record").Hidden = true
	return cmd
}

// openTrace is a shipped trace by its name, or a file's: of the function, of its only one,
// or of all where none is named and none has a name.
func openTrace(name, function string) (traces.Trace, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return traces.Named(name)
	} else if err != nil {
		return traces.Trace{}, fmt.Errorf("opening the trace: %w", err)
	}
	if !info.Mode().IsRegular() {
		return traces.Trace{}, functions.Errorf(functions.Invalid, "%s is no file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return traces.Trace{}, fmt.Errorf("opening the trace: %w", err)
	}
	defer file.Close()
	read := traces.ReadRecords
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		read = traces.ReadCSV
	case ".log":
		read = traces.AccessLog{Method: "POST", Function: function}.Read
	}
	recording, err := read(file)
	if err != nil {
		return traces.Trace{}, fmt.Errorf("reading %s: %w", name, err)
	}
	all := recording.Functions()
	if len(all) == 1 {
		function = all[0]
	}
	trace := recording.Trace(function)
	if len(trace.Arrivals(0)) == 0 {
		return trace, functions.Errorf(functions.Invalid, "%s has no request for %q; it has requests for %s", name, function, strings.Join(all, ", "))
	}
	trace.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	return trace, nil
}

// sparkWidth is how many bars a trace is drawn with.
const sparkWidth = 72

// sparks draws arrivals, each bar as high as its share of the highest.
func sparks(arrivals []time.Duration, length time.Duration) string {
	bars := []rune(" ▁▂▃▄▅▆▇█")
	counts := make([]int, sparkWidth)
	most := 1
	for _, at := range arrivals {
		n := min(sparkWidth-1, int(float64(at)/float64(max(1, length))*sparkWidth))
		counts[n]++
		most = max(most, counts[n])
	}
	var line strings.Builder
	for _, n := range counts {
		line.WriteRune(bars[(n*(len(bars)-1)+most-1)/most])
	}
	return line.String()
}
