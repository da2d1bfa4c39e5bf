package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// flagOf is a flag; its package's name says little where it is used.
type flagOf = pflag.Flag

// nodeOptions are the cluster of a simulated population.
type nodeOptions struct {
	count    int
	cpu      float64
	memoryGB float64
	gpus     float64
}

func (n *nodeOptions) flags(f *pflag.FlagSet) {
	f.IntVar(&n.count, "nodes", 0, "with --simulate: how many `nodes` instances are placed on (0: there is always place)")
	f.Float64Var(&n.cpu, "node-cpu", 64, "with --simulate: `cores` of a node")
	f.Float64Var(&n.memoryGB, "node-memory", 256, "with --simulate: memory of a node in `GiB`")
	f.Float64Var(&n.gpus, "node-gpus", 0, "with --simulate: `GPUs` of a node, of the class that the function was measured on")
}

// nodes are those for instances that hold so much.
func (n nodeOptions) nodes(held functions.Held) []simulate.Node {
	return slices.Repeat([]simulate.Node{{CPU: n.cpu, Memory: int64(n.memoryGB * (1 << 30)), GPUs: n.gpus, Device: held.Device}}, max(0, n.count))
}

// population takes a number among the folders of functions for how many functions
// there are: saccade contrast --simulate --functions 10000.
func (o *contrastOptions) population(folders []string) (rest []string) {
	for _, folder := range folders {
		if n, err := strconv.Atoi(folder); err == nil && o.simulate {
			o.functions = n
		} else {
			rest = append(rest, folder)
		}
	}
	return rest
}

// readMeasured takes a style's measurement from an earlier run.
func (c *contrast) readMeasured(style string) (simulate.Measured, error) {
	text, err := readBounded(c.measured)
	if err != nil {
		return simulate.Measured{}, err
	}
	all := map[string]simulate.Measured{}
	if err := json.Unmarshal(text, &all); err != nil {
		return simulate.Measured{}, functions.Errorf(functions.Invalid, "%s is no measured.json", c.measured).Because(err)
	}
	m, ok := all[style]
	if !ok {
		return m, functions.Errorf(functions.Invalid, "%s has nothing about style %s", c.measured, style)
	}
	return m, m.Check()
}

// mostMeasuredBytes bounds a file that is named on the command line.
const mostMeasuredBytes = 64 << 20

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading what was measured: %w", err)
	}
	if info.Size() > mostMeasuredBytes {
		return nil, functions.Errorf(functions.Invalid, "%s has more than %d bytes", path, mostMeasuredBytes)
	}
	return os.ReadFile(path)
}

// fleets simulates the population in every style.
func (c *contrast) fleets() error {
	length := time.Duration(c.hours * float64(time.Hour))
	population := traces.Azure{Functions: c.functions, For: length, Seed: c.seed}
	all := map[string]simulate.FleetResult{}
	c.say("\n%d functions for %v, seed %d", c.functions, length, c.seed)
	table := tabwriter.NewWriter(c.cmd.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "style\trequests\tcold\twait p99\tinstances at most\tinstance-hours\tof that idle\tcost\tsimulated in\t")
	for _, style := range c.styles {
		began := time.Now()
		like := c.config(style)
		result, err := simulate.RunFleet(simulate.Fleet{
			Functions: simulate.Population(population, like), Nodes: c.nodes.nodes(like.Held), For: length, Seed: c.seed,
		})
		if err != nil {
			return fmt.Errorf("simulating %d functions in style %s: %w", c.functions, style.name, err)
		}
		result.Total.Policy = cmp.Or(result.Total.Policy, style.name)
		all[style.name] = result
		t := result.Total
		fmt.Fprintf(table, "%s\t%d\t%.3g %%\t%v\t%d\t%.0f\t%.0f %%\t%.2f %s\t%v\t\n", style.name, t.Requests,
			100*float64(t.Cold)/float64(max(1, t.Requests)), brief(t.Wait.P99), t.Peak, t.Instances.Seconds()/3600,
			100*t.Idle.Seconds()/max(1e-9, t.Instances.Seconds()), float64(t.Cost.Total), t.Currency, time.Since(began).Round(100*time.Millisecond))
		if err := table.Flush(); err != nil {
			return fmt.Errorf("telling the result: %w", err)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return c.write("fleet.json", text)
}

// ranked is the value that a share of all does not exceed.
func ranked(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
