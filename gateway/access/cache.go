package access

import (
	"crypto/sha256"
	"sync"
)

// digest stands for a secret in memory.
type digest [sha256.Size]byte

// cache remembers at most a number of things, by digest. It has a young half and
// an old one: what is asked for moves to the young, and when that is full it
// becomes the old one, with what was in there forgotten. Each step is O(1).
type cache[V any] struct {
	mu         sync.Mutex
	half       int
	young, old map[digest]V
}

func newCache[V any](most int) *cache[V] {
	return &cache[V]{half: most / 2, young: map[digest]V{}}
}

func (c *cache[V]) get(key digest) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.young[key]; ok {
		return v, true
	}
	v, ok := c.old[key]
	if ok {
		c.add(key, v)
	}
	return v, ok
}

func (c *cache[V]) put(key digest, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, v)
}

func (c *cache[V]) add(key digest, v V) {
	delete(c.old, key)
	if _, there := c.young[key]; !there && len(c.young) >= c.half {
		c.young, c.old = make(map[digest]V, c.half), c.young
	}
	c.young[key] = v
}
