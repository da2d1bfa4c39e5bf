package replay

import (
	"context"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Sample is the platform at one moment.
type Sample struct {
	// At is since the replay's beginning.
	At time.Duration
	// State is the function's; Ready and Starting count instances, InFlight requests in
	// them, Waiting those without one.
	State                              string
	Ready, Starting, InFlight, Waiting int
	// CPU is how many cores the instances kept busy since the last sample, Memory what
	// they hold resident, in bytes; both are -1 where the Stage's Processes are not known.
	CPU    float64
	Memory int64
}

// Processes is what processes use of the machine.
type Processes struct {
	// CPU is the time each process has had, by process id.
	CPU map[int]time.Duration
	// Memory is resident, in bytes, what processes share counted for each.
	Memory int64
}

// since is the cores that were busy since an earlier look.
func (p Processes) since(earlier Processes, passed time.Duration) float64 {
	var used time.Duration
	for id, cpu := range p.CPU {
		used += max(0, cpu-earlier.CPU[id])
	}
	if passed <= 0 {
		return 0
	}
	return float64(used) / float64(passed)
}

// sum is the CPU time of all.
func (p Processes) sum() (cpu time.Duration) {
	for _, used := range p.CPU {
		cpu += used
	}
	return cpu
}

// processes are none where nobody can tell.
func processes(stage Stage) Processes {
	if stage.Processes == nil {
		return Processes{}
	}
	return stage.Processes()
}

// look takes samples until the plan is over or ctx ends.
func look(ctx context.Context, stage Stage, began time.Time, length time.Duration, o Options, tell func()) (all []Sample) {
	before, last := processes(stage), time.Now()
	for at := time.Duration(0); at <= length; at += o.Every {
		if !sleepUntil(ctx, began.Add(at)) {
			break
		}
		now, used := time.Now(), processes(stage)
		s := sampleOf(statusOf(stage))
		s.At, s.CPU, s.Memory = now.Sub(began), used.since(before, now.Sub(last)), used.Memory
		if stage.Processes == nil {
			s.CPU, s.Memory = -1, -1
		}
		before, last = used, now
		all = append(all, s)
		tell()
	}
	return all
}

func sampleOf(f functions.FunctionStatus) Sample {
	return Sample{State: f.State, Ready: f.Ready, Starting: f.Starting, InFlight: f.InFlight, Waiting: f.Waiting}
}

func statusOf(stage Stage) functions.FunctionStatus {
	for _, f := range stage.Platform.Functions() {
		if f.Name == stage.Function {
			return f
		}
	}
	return functions.FunctionStatus{}
}
