package house_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// Every problem's type is an address in docs/problems.md.
func TestEveryKindOfProblemIsDocumented(t *testing.T) {
	page := readFile(t, "docs/problems.md")
	for _, kind := range functions.Kinds {
		if fault := problemFault(page, kind); fault != "" {
			t.Errorf("docs/problems.md, %s: %s", kind, fault)
		}
	}
}

var example = regexp.MustCompile("(?s)```json\n(.*?)```")

// problemFault compares a kind's section with what is really answered.
func problemFault(page string, kind functions.Kind) string {
	_, section, found := strings.Cut(page, "\n## "+string(kind)+"\n")
	if !found {
		return "no heading"
	}
	section, _, _ = strings.Cut(section, "\n## ")

	status := problem.New(kind, "").Status
	if want := fmt.Sprintf("**%d %s**", status, http.StatusText(status)); !strings.Contains(section, want) {
		return "does not say " + want
	}
	if !strings.Contains(section, "Retry:") {
		return "does not say whether to retry"
	}
	body := example.FindStringSubmatch(section)
	if body == nil {
		return "has no example body"
	}
	var shown problem.Problem
	if err := json.Unmarshal([]byte(body[1]), &shown); err != nil {
		return "its example is no JSON: " + err.Error()
	}
	if want := problem.New(kind, shown.Detail); shown != want {
		return fmt.Sprintf("its example is %+v; what is answered is %+v", shown, want)
	}
	return ""
}

func TestAProblemDocumentedWronglyIsSeen(t *testing.T) {
	good, err := json.Marshal(problem.New(functions.Busy, "Try again."))
	if err != nil {
		t.Fatal(err)
	}
	section := func(status, retry, body string) string {
		return "# Problems\n\n## function-busy\n\n" + status + " " + retry + "\n\n```json\n" + body + "\n```\n"
	}
	const status, retry = "**429 Too Many Requests**", "Retry: yes."
	tests := []struct{ name, page, fault string }{
		{"documented as it is", section(status, retry, string(good)), ""},
		{"not documented", "# Problems\n", "no heading"},
		{"another status", section("**503 Service Unavailable**", retry, string(good)), "**429 Too Many Requests**"},
		{"silent on retrying", section(status, "", string(good)), "whether to retry"},
		{"an example of another kind", section(status, retry, strings.ReplaceAll(string(good), "function-busy", "internal-error")), "what is answered"},
		{"an example that is no JSON", section(status, retry, "{"), "no JSON"},
		{"documented under another kind only", section(status, retry, string(good)) + "\n## x\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fault := problemFault(test.page, functions.Busy)
			if test.fault == "" && fault != "" || !strings.Contains(fault, test.fault) {
				t.Errorf("fault = %q; want %q", fault, test.fault)
			}
		})
	}
}

// The cold-start ledger is worth what its words mean.
func TestEveryPhaseOfTheLedgerIsInTheGlossary(t *testing.T) {
	page := readFile(t, "docs/glossary.md")
	for _, ledger := range []any{functions.Timing{}, functions.Start{}} {
		for field := range reflect.TypeOf(ledger).Fields() {
			phase, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(page, "\n| `"+phase+"` |") {
				t.Errorf("docs/glossary.md has no row for the phase %q", phase)
			}
		}
	}
}
