package simulate

import "github.com/seed45885407/saccade/contrast/traces"

// Population is the functions of a, each like the one given but for its name, seed and
// arrivals.
func Population(a traces.Azure, like Config) []Config {
	all := make([]Config, a.Functions)
	for n := range all {
		f := a.Function(n)
		c := like
		c.Function, c.Trace = f.Name, "azure: "+string(f.Class)
		c.Arrivals, c.Stream = nil, f.Stream
		c.For = a.For
		c.Seed = a.Seed<<20 + uint64(n)
		all[n] = c
	}
	return all
}
