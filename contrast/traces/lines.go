package traces

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/seed45885407/saccade/functions"
)

const (
	// maxLine is the longest line read, in bytes. Access logs with long queries and
	// user agents stay below it.
	maxLine = 64 << 10
	// maxRecords is the most records of one reading: they are sorted in memory, about a
	// gigabyte of it then.
	maxRecords = 20_000_000
)

// each calls take with every line, by its number from 1. A last line without an end is
// whole where take can read it, and else what a writer that was killed left behind: it
// is passed over.
func each(r io.Reader, take func(number int, line []byte) error) error {
	in := bufio.NewReaderSize(r, maxLine)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return functions.Errorf(functions.Invalid, "line %d is longer than %d bytes", number, maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("reading line %d: %w", number, err)
		}
		ended := err == nil
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := take(number, line); err != nil && (ended || number == 1) {
				return err
			}
		}
		if !ended {
			return nil
		}
	}
}
