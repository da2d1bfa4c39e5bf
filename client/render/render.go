// Package render writes what the gateway said for people and for programs: as a
// table, as JSON, or as JSON lines.
//
// It receives results one at a time, a reply or an error for each input, and hands
// on text. A failure is a line among the others, and is in the machine formats
// too: whoever pipes the output learns of every input. It refuses to let a class
// name or a file name drive the terminal: control characters are written out.
package render

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Format is how results are written.
type Format string

// The formats.
const (
	// Table is for people: a paragraph for each picture.
	Table Format = "table"
	// JSON is one array with an object for each input.
	JSON Format = "json"
	// NDJSON is one object a line, written as each result comes.
	NDJSON Format = "ndjson"
)

// Formats are all of them, in the order they are documented.
var Formats = []Format{Table, JSON, NDJSON}

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("there is no output format %q; there are table, json and ndjson", name)
}

// Options say how to write.
type Options struct {
	// Format defaults to Table.
	Format Format
	// Color lets a table use ANSI colours; see [Color]. Everything can be read
	// without.
	Color bool
	// Now tells what "3 min ago" counts from. Default: time.Now.
	Now func() time.Time
}

// Result is what came of one input.
type Result struct {
	// Input is the picture as the user named it.
	Input string
	// Reply is there where Err is nil.
	Reply *functions.Reply
	// Drawn is the file the annotated picture was written to, empty where none was.
	// Where it is set the machine formats leave the picture itself out.
	Drawn string
	// Err is why there is no reply.
	Err error
}

// Printer writes results. It is for one goroutine at a time; close it to complete
// what it has written.
type Printer struct {
	w    io.Writer
	o    Options
	pen  pen
	seen int
	// explained says that the words about cold starts have been written.
	explained bool
}

// New is a Printer to w.
func New(w io.Writer, o Options) *Printer {
	return &Printer{w: w, o: o, pen: pen(o.Color)}
}

// Result writes r, each in one write: results of several processes into one pipe
// stay whole.
func (p *Printer) Result(r Result) error {
	var text []byte
	var err error
	switch p.o.Format {
	case JSON:
		text, err = p.element(r)
	case NDJSON:
		text, err = line(r)
	default:
		text = p.paragraph(r)
	}
	if err != nil {
		return fmt.Errorf("writing the result of %s: %w", r.Input, err)
	}
	p.seen++
	_, err = p.w.Write(text)
	return err
}

// Close writes what completes the output: the end of a JSON array.
func (p *Printer) Close() error {
	if p.o.Format != JSON {
		return nil
	}
	end := "\n]\n"
	if p.seen == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(p.w, end)
	return err
}

// Color tells whether out is a terminal whose user wants colours: NO_COLOR (see
// no-color.org) is unset or empty, and TERM is not dumb.
func Color(out *os.File, getenv func(string) string) bool {
	if getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	info, err := out.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// pen writes in colour where it is true.
type pen bool

// ANSI SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	purple = "35"
)

func (p pen) in(style, text string) string {
	if !p || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// pad fills text with spaces up to width characters.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-len([]rune(text))))
}
