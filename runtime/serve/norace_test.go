//go:build !race

package serve

// raced says that the race detector is on.
const raced = false
