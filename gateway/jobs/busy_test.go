package jobs

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// The server says that it takes no connections where its look was held up for a
// millisecond, as happens on a busy machine. The store was opened again for that, and
// failed its callers meanwhile.
func TestABusyMachineIsNoReasonToOpenTheStoreAgain(t *testing.T) {
	j := open(t, quick(t))
	var done atomic.Bool
	var garbage atomic.Pointer[[4096]byte] // its collector holds others up
	var busy sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !done.Load() {
				garbage.Store(new([4096]byte))
			}
		})
	}
	defer busy.Wait()
	defer done.Store(true)
	var looks sync.WaitGroup
	for range 50 {
		looks.Go(func() {
			for range 100 {
				if !j.server.healthy() {
					t.Error("the store is well and is not found so")
				}
			}
		})
	}
	looks.Wait()
}
