package traces

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// ReadCSV reads timestamp[,function][,duration_ms], an arrival a line. A first line
// with names may give the columns in any order, others among them; without one they are
// in this order, and a second of two columns is the duration where it is a number.
//
// A timestamp is RFC 3339, the same with a space for the T and without a zone (UTC
// then), or a number: seconds since 1970 or since any beginning, or milli-, micro- or
// nanoseconds since 1970, told apart by their size.
func ReadCSV(r io.Reader) (*Recording, error) {
	columns := columns{at: 0, function: 1, duration: 2}
	return read(r, func(number int, line []byte) (Record, bool, error) {
		fields, err := split(line)
		if err != nil {
			return Record{}, false, functions.Errorf(functions.Invalid, "line %d is no CSV", number).Because(err)
		}
		if number == 1 {
			if named, ok := namedColumns(fields); ok {
				columns = named
				return Record{}, false, nil
			}
			if len(fields) == 2 {
				if _, err := strconv.ParseFloat(fields[1], 64); err == nil {
					columns.function, columns.duration = -1, 1
				}
			}
		}
		record, err := columns.record(fields)
		if err != nil {
			return record, false, functions.Errorf(functions.Invalid, "line %d: %v", number, err)
		}
		return record, true, nil
	})
}

// columns are the fields' places, -1 where there is none.
type columns struct{ at, function, duration int }

// split is the fields of one line, without the spaces around them.
func split(line []byte) ([]string, error) {
	fields := strings.Split(string(line), ",")
	if bytes.IndexByte(line, '"') >= 0 {
		var err error
		if fields, err = csv.NewReader(bytes.NewReader(line)).Read(); err != nil {
			return nil, err
		}
	}
	for i, field := range fields {
		fields[i] = strings.TrimSpace(field)
	}
	return fields, nil
}

// namedColumns reads the first line, and says false where it has no names.
func namedColumns(fields []string) (columns, bool) {
	place := func(names ...string) int {
		return slices.IndexFunc(fields, func(field string) bool {
			// Some programs begin a file with U+FEFF.
			return slices.Contains(names, strings.ToLower(strings.TrimPrefix(field, "\ufeff")))
		})
	}
	c := columns{place("timestamp", "time", "at"), place("function", "name"), place("duration_ms")}
	return c, c.at >= 0
}

func (c columns) record(fields []string) (r Record, err error) {
	field := func(at int) string {
		if at < 0 || at >= len(fields) {
			return ""
		}
		return fields[at]
	}
	if r.At, err = timestamp(field(c.at)); err != nil {
		return r, err
	}
	r.Function = field(c.function)
	if text := field(c.duration); text != "" {
		err = r.Duration.UnmarshalJSON([]byte(text))
	}
	return r, err
}

// timestamp is described at [ReadCSV].
func timestamp(text string) (time.Time, error) {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return fromNumber(text, number)
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00"} {
		if at, err := time.Parse(form, text); err == nil { // reads fractions of seconds too
			return at, nil
		}
	}
	return time.Time{}, functions.Errorf(functions.Invalid, "%q is no timestamp", text)
}

// fromNumber tells the unit by the size: ten digits of seconds last until 2286.
func fromNumber(text string, number float64) (time.Time, error) {
	for _, unit := range []struct{ below, nanos float64 }{{1e11, 1e9}, {1e14, 1e6}, {1e17, 1e3}, {9e18, 1}} {
		if !(number >= 0 && number < unit.below) {
			continue
		}
		if whole, err := strconv.ParseInt(text, 10, 64); err == nil { // floats have no nanoseconds of today
			scale := int64(unit.nanos)
			return time.Unix(whole/(1e9/scale), whole%(1e9/scale)*scale), nil
		}
		seconds, fraction := math.Modf(number * unit.nanos / 1e9)
		return time.Unix(int64(seconds), int64(fraction*1e9)), nil
	}
	return time.Time{}, functions.Errorf(functions.Invalid, "%q is no timestamp", text)
}
