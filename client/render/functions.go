package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Functions writes list, the functions of a gateway: as a table, as a JSON array,
// or as an object a line.
func Functions(w io.Writer, list []functions.FunctionStatus, o Options) error {
	var text []byte
	var err error
	switch o.Format {
	case JSON:
		if list == nil {
			list = []functions.FunctionStatus{}
		}
		text, err = encode(list, "", "  ")
	case NDJSON:
		for _, f := range list {
			var one []byte
			if one, err = encode(f, "", ""); err != nil {
				break
			}
			text = append(text, one...)
		}
	default:
		text = functionTable(list, o)
	}
	if err != nil {
		return fmt.Errorf("writing the functions: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// cell is text in a style.
type cell struct{ text, style string }

func functionTable(list []functions.FunctionStatus, o Options) []byte {
	if len(list) == 0 {
		return []byte("no functions\n")
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	var rows [][]cell
	var head []cell
	for _, title := range []string{"NAME", "MODEL", "FAMILY", "STATE", "INSTANCES", "IN FLIGHT", "LAST COLD START"} {
		head = append(head, cell{title, bold})
	}
	rows = append(rows, head)
	for _, f := range list {
		rows = append(rows, []cell{
			{plain(f.Name), bold},
			{plain(file(f.Model)), ""},
			{plain(f.Family), ""},
			{plain(f.State), stateStyle(f.State)},
			{plus(f.Ready, f.Starting, "starting"), ""},
			{plus(f.InFlight, f.Waiting, "waiting"), ""},
			{lastStart(f.LastColdStart, now()), ""},
		})
	}
	var b strings.Builder
	columns(&b, rows, pen(o.Color))
	for _, f := range list {
		if f.Error != "" {
			fmt.Fprintf(&b, "%s: %s\n", plain(f.Name), pen(o.Color).in(red, plain(f.Error)))
		}
	}
	return []byte(b.String())
}

// columns writes rows with their cells under one another. Widths are counted
// before colour is put on, which takes no room.
func columns(b *strings.Builder, rows [][]cell, ink pen) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], len([]rune(c.text)))
		}
	}
	for _, row := range rows {
		for i, c := range row {
			if i == len(row)-1 {
				b.WriteString(ink.in(c.style, c.text) + "\n")
				continue
			}
			b.WriteString(ink.in(c.style, pad(c.text, widths[i])) + "  ")
		}
	}
}

func stateStyle(state string) string {
	switch state {
	case "ready":
		return green
	case "starting", "draining":
		return yellow
	case "frozen":
		return blue
	}
	return dim
}

// plus is n, and more of another sort where there are any: 2 (+1 starting).
func plus(n, more int, sort string) string {
	if more == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d (+%d %s)", n, more, sort)
}

// file is the last part of a model's URI, query and fragment left out: whole
// release URLs would push the rest off the screen, and JSON has them.
func file(uri string) string {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	uri = strings.TrimRight(uri, "/")
	return uri[strings.LastIndexByte(uri, '/')+1:]
}

func lastStart(last *functions.LastColdStart, now time.Time) string {
	if last == nil {
		return "none"
	}
	return span(last.Total) + ", " + ago(last.At, now)
}
