package schedule

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestCoresAreThoseTheControlGroupsLeave(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, test := range []struct {
		name string
		root fstest.MapFS
		want int
	}{
		{"no control groups", fstest.MapFS{}, 8},
		{"version 2 without a bound", fstest.MapFS{
			"proc/self/cgroup": file("0::/pod\n"), "sys/fs/cgroup/pod/cpu.max": file("max 100000\n"),
		}, 8},
		{"version 2, in a container that sees no further", fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("250000 100000\n"),
		}, 2},
		{"half a core is one run", fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("50000 100000\n"),
		}, 1},
		{"the group above is narrower", fstest.MapFS{
			"proc/self/cgroup":                 file("0::/pods/this\n"),
			"sys/fs/cgroup/pods/this/cpu.max":  file("600000 100000\n"),
			"sys/fs/cgroup/pods/cpu.max":       file("300000 100000\n"),
			"sys/fs/cgroup/elsewhere/cpu.max":  file("100000 100000\n"),
			"sys/fs/cgroup/pods/other/cpu.max": file("100000 100000\n"),
		}, 3},
		{"a bound above what there is", fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("6400000 100000\n"),
		}, 8},
		{"version 1", fstest.MapFS{
			"proc/self/cgroup": file("11:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n"),
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us":  file("400000\n"),
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": file("100000\n"),
		}, 4},
		{"version 1 without a bound", fstest.MapFS{
			"proc/self/cgroup":                    file("4:cpu:/\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  file("-1\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": file("100000\n"),
		}, 8},
		{"the group of another controller", fstest.MapFS{
			"proc/self/cgroup":                       file("4:cpuset:/\n"),
			"sys/fs/cgroup/cpuset/cpu.cfs_quota_us":  file("100000\n"),
			"sys/fs/cgroup/cpuset/cpu.cfs_period_us": file("100000\n"),
		}, 8},
		{"what cannot be understood", fstest.MapFS{
			"proc/self/cgroup": file("nonsense\n0::/\n"), "sys/fs/cgroup/cpu.max": file("lots\n"),
		}, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := cores(test.root, 8); got != test.want {
				t.Errorf("%d cores, want %d", got, test.want)
			}
		})
	}
	if got := Cores(); got < 1 || got > runtime.NumCPU() {
		t.Errorf("this process has %d cores of %d", got, runtime.NumCPU())
	}
}
