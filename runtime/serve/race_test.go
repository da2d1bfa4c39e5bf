//go:build race

package serve

// raced says that the race detector is on, under which sync.Pool drops what it keeps
// at random.
const raced = true
