package render

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestDecisions(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	list := []functions.Decision{
		{At: at, Revision: "eye-00001", From: 0, To: 1, Reason: "a request arrived at zero"},
		{At: at.Add(time.Minute), Revision: "eye-00001", From: 1, To: 0, Reason: "no instance comes up: \x1b[31mbad\x1b[0m"},
	}
	for name, test := range map[string]struct {
		list   []functions.Decision
		format Format
		want   string
	}{
		"for people": {list, Table, "2026-01-02 03:04:05  0 to 1  eye-00001  2 min ago\n    a request arrived at zero\n" +
			"2026-01-02 03:05:05  1 to 0  eye-00001  1 min ago\n    no instance comes up: \\x1b[31mbad\\x1b[0m\n"},
		"none for people":   {nil, Table, "nothing has been decided yet: no request has come\n"},
		"none for programs": {nil, JSON, "[]\n"},
		"none a line":       {nil, NDJSON, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			err := Decisions(&b, test.list, Options{Format: test.format, Now: func() time.Time { return at.Add(2 * time.Minute) }})
			if diff := cmp.Diff(test.want, b.String()); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
	var b strings.Builder
	if err := Decisions(&b, list, Options{Format: NDJSON}); err != nil || strings.Count(b.String(), "\n") != 2 || !strings.Contains(b.String(), `"to":1,"reason":"a request arrived at zero"`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}
