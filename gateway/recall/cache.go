package recall

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Tag names a question: the SHA-256 of revision, parameters and picture, and of a
// number of this process. The same revision's name may mean another model after a
// restart, so a tag means nothing to the next process; and nobody can make one up.
type Tag [sha256.Size]byte

// IsZero says that there is no tag, for there is no cache.
func (t Tag) IsZero() bool { return t == Tag{} }

// String is half of it in hex, which is more than enough to tell questions apart.
func (t Tag) String() string { return hex.EncodeToString(t[:len(t)/2]) }

// cache keeps answers by their tag, the least recently used going first.
type cache struct {
	bytes int64
	age   time.Duration
	salt  [16]byte

	mu        sync.Mutex
	held      int64
	entries   map[Tag]*list.Element // of *entry
	used      *list.List            // most recently first
	revisions map[string]int        // entries of each

	hits, misses, evictions uint64
}

type entry struct {
	tag      Tag
	revision string
	answer   functions.Answer
	size     int64
	until    time.Time
}

func newCache(bytes int64, age time.Duration) *cache {
	c := &cache{bytes: bytes, age: age, entries: map[Tag]*list.Element{}, used: list.New(), revisions: map[string]int{}}
	rand.Read(c.salt[:])
	return c
}

// Age is how long answers are kept; 0 says that they are not.
func (r *Room) Age() time.Duration {
	if r.cache == nil {
		return 0
	}
	return r.cache.age
}

// Tag is the question's, zero where answers are not kept: hashing costs a
// millisecond for two megabytes.
func (r *Room) Tag(revision string, params functions.Parameters, picture []byte) (tag Tag) {
	if r.cache == nil {
		return tag
	}
	h := sha256.New()
	h.Write(r.cache.salt[:])
	text, err := json.Marshal(params)
	if err != nil {
		return tag
	}
	for _, part := range []string{revision, string(text)} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part)))) // so that no two lists of parts read the same
		h.Write([]byte(part))
	}
	h.Write(picture)
	h.Sum(tag[:0])
	return tag
}

// Holds says whether any answer of the revision is kept. Where none is, it is not
// worth having the picture before its function is woken.
func (r *Room) Holds(revision string) bool {
	c := r.cache
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revisions[revision] > 0
}

// Find is the answer to a question asked before, its timing all zero: nothing was
// done. Its slices are not to be written to.
func (r *Room) Find(tag Tag) (functions.Answer, bool) {
	c := r.cache
	if c == nil || tag.IsZero() {
		return functions.Answer{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[tag]
	if e == nil {
		c.misses++
		return functions.Answer{}, false
	}
	if found := e.Value.(*entry); time.Now().Before(found.until) {
		c.hits++
		c.used.MoveToFront(e)
		return found.answer, true
	}
	c.remove(e)
	c.misses++
	return functions.Answer{}, false
}

// keep takes an answer into the cache. Drawn pictures are not kept: one of them
// takes the place of thousands of answers, and is seldom asked for twice.
func (r *Room) keep(ask Ask, answer functions.Answer) {
	c := r.cache
	if c == nil || ask.Tag.IsZero() || answer.Annotated != nil {
		return
	}
	answer.Timing, answer.Start, answer.Cold = functions.Timing{}, functions.Start{}, false
	size := sizeOf(answer, ask.Revision)
	if size > c.bytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[ask.Tag]; e != nil {
		c.remove(e)
	}
	for c.held+size > c.bytes {
		c.remove(c.used.Back())
		c.evictions++
	}
	c.entries[ask.Tag] = c.used.PushFront(&entry{ask.Tag, ask.Revision, answer, size, time.Now().Add(c.age)})
	c.revisions[ask.Revision]++
	c.held += size
}

// remove drops an entry. Call with mu held.
func (c *cache) remove(e *list.Element) {
	gone := c.used.Remove(e).(*entry)
	delete(c.entries, gone.tag)
	if c.revisions[gone.revision]--; c.revisions[gone.revision] == 0 {
		delete(c.revisions, gone.revision)
	}
	c.held -= gone.size
}

// What an entry takes, roughly: map, list and struct; and a detection with the
// header of its class's text.
const (
	entryBytes     = 512
	detectionBytes = 64
)

func sizeOf(answer functions.Answer, revision string) int64 {
	size := entryBytes + detectionBytes*cap(answer.Detections) + len(revision) + len(answer.ModelSum)
	for _, d := range answer.Detections {
		size += len(d.Class)
	}
	return int64(size)
}
