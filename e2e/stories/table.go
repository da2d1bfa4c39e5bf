package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Table is what was measured, in the order in which it was.
type Table struct {
	mu   sync.Mutex
	rows [][3]string
}

// Add writes down a measure; goal is empty where nothing is promised.
func (t *Table) Add(what, measured, goal string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, [3]string{what, measured, goal})
}

// join adds the rows of another, together.
func (t *Table) join(other *Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, other.rows...)
}

// String is the table in Markdown.
func (t *Table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := slices.Concat([][3]string{{"what", "measured", "goal"}}, t.rows)
	var wide [3]int
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		fmt.Fprintf(&b, "| %-*s | %-*s | %-*s |\n", wide[0], row[0], wide[1], row[1], wide[2], row[2])
		if n == 0 {
			fmt.Fprintf(&b, "|%s|%s|%s|\n", strings.Repeat("-", wide[0]+2), strings.Repeat("-", wide[1]+2), strings.Repeat("-", wide[2]+2))
		}
	}
	return b.String()
}

// Write prints the table and writes it to a file; nothing where it is empty.
func (t *Table) Write(file string) error {
	if len(t.rows) == 0 {
		return nil
	}
	text := t.String()
	fmt.Println("\n" + text)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// short writes a duration with three figures or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// median is the middle of values, which it sorts.
func median[T time.Duration | float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	return at(values, .5)
}

// at is the value below which share of values lie; it sorts them.
func at[T time.Duration | float64](values []T, share float64) T {
	slices.Sort(values)
	return values[int(share*float64(len(values)-1)+.5)]
}
