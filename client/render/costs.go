package render

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Costs writes a report of costs: as tables of functions and callers, as a JSON
// object, or as the same in a line.
func Costs(w io.Writer, report functions.CostReport, o Options) error {
	var text []byte
	var err error
	switch o.Format {
	case JSON:
		text, err = encode(report, "", "  ")
	case NDJSON:
		text, err = encode(report, "", "")
	default:
		text = costTables(report, o)
	}
	if err != nil {
		return fmt.Errorf("writing the costs: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func costTables(report functions.CostReport, o Options) []byte {
	var b strings.Builder
	ink := pen(o.Color)
	currency := plain(report.Currency)
	fmt.Fprintf(&b, "%s\n", ink.in(dim, "since "+report.Since.Format(time.RFC3339)))
	if len(report.Functions)+len(report.Keys) == 0 {
		b.WriteString("nothing has cost anything\n")
	}
	if len(report.Functions) > 0 {
		rows := [][]cell{heads("FUNCTION", "REQUESTS", "COLD STARTS", "BILLED", "IDLE", "FROZEN", "WASTED", currency)}
		for _, f := range report.Functions {
			s := f.Seconds
			rows = append(rows, []cell{
				{plain(f.Function), bold},
				{strconv.FormatInt(f.Requests, 10), ""},
				{strconv.FormatInt(f.ColdStarts, 10), ""},
				{lived(s.Billed), green},
				{lived(s.Idle), ""},
				{lived(s.Frozen), ""},
				{lived(s.Wasted), yellow},
				{f.Cost.Total.String(), ""},
			})
		}
		columns(&b, rows, ink)
	}
	if len(report.Keys) > 0 {
		if len(report.Functions) > 0 {
			b.WriteByte('\n')
		}
		rows := [][]cell{heads("CALLER", "FUNCTION", "REQUESTS", "COLD STARTS", "BILLED", "OF STARTS", currency)}
		for _, k := range report.Keys {
			rows = append(rows, []cell{
				{cmp.Or(plain(k.Key), "(no name)"), bold},
				{plain(k.Function), ""},
				{strconv.FormatInt(k.Requests, 10), ""},
				{strconv.FormatInt(k.ColdStarts, 10), ""},
				{lived(k.Cost.ServingSeconds), ""},
				{lived(k.Cost.ColdStartSeconds), ""},
				{k.Cost.Total.String(), ""},
			})
		}
		columns(&b, rows, ink)
	}
	return []byte(b.String())
}

func heads(titles ...string) []cell {
	var row []cell
	for _, title := range titles {
		row = append(row, cell{title, bold})
	}
	return row
}

// lived is instance time in seconds, with as many digits as tell something.
func lived(s functions.Seconds) string {
	switch seconds := s.Seconds(); {
	case s == 0:
		return "0"
	case seconds >= 100:
		return strconv.FormatFloat(seconds, 'f', 0, 64) + " s"
	case seconds >= 1:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	default:
		return span(functions.Millis(s))
	}
}
