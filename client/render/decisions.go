package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Decisions writes why a function has as many instances as it has, the newest change
// last: a paragraph for each, a JSON array, or an object a line.
func Decisions(w io.Writer, list []functions.Decision, o Options) error {
	var text []byte
	var err error
	switch o.Format {
	case JSON:
		if list == nil {
			list = []functions.Decision{}
		}
		text, err = encode(list, "", "  ")
	case NDJSON:
		for _, d := range list {
			var one []byte
			if one, err = encode(d, "", ""); err != nil {
				break
			}
			text = append(text, one...)
		}
	default:
		text = decisionLines(list, o)
	}
	if err != nil {
		return fmt.Errorf("writing the decisions: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// decisionLines has the reason on a line of its own: it is a sentence.
func decisionLines(list []functions.Decision, o Options) []byte {
	if len(list) == 0 {
		return []byte("nothing has been decided yet: no request has come\n")
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	ink := pen(o.Color)
	var b strings.Builder
	for _, d := range list {
		style := green
		if d.To < d.From {
			style = blue
		}
		fmt.Fprintf(&b, "%s  %s  %s  %s\n    %s\n", d.At.Local().Format("2006-01-02 15:04:05"),
			ink.in(style, fmt.Sprintf("%d to %d", d.From, d.To)), plain(d.Revision),
			ink.in(dim, ago(d.At, now())), plain(d.Reason))
	}
	return []byte(b.String())
}
