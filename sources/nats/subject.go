package nats

import (
	"errors"
	"fmt"
	"strings"
)

// matches tells whether a subject is of a pattern, in which * stands for one token and
// > for the rest, at least one; the empty pattern takes in all.
func matches(pattern, subject string) bool {
	if pattern == "" {
		return true
	}
	tokens := strings.Split(subject, ".")
	for want := range strings.SplitSeq(pattern, ".") {
		switch {
		case len(tokens) == 0:
			return false
		case want == ">":
			return true
		case want != "*" && want != tokens[0]:
			return false
		}
		tokens = tokens[1:]
	}
	return len(tokens) == 0
}

// patternFault says what is wrong with a subject that may have * and >.
func patternFault(pattern string) error {
	tokens := strings.Split(pattern, ".")
	for i, token := range tokens {
		switch {
		case token == "":
			return fmt.Errorf("%q has a token that is empty", pattern)
		case strings.ContainsAny(token, " \t\r\n\x00"):
			return fmt.Errorf("%q has white space", pattern)
		case token == ">" && i < len(tokens)-1:
			return fmt.Errorf("%q has > before its end", pattern)
		}
	}
	return nil
}

// subjectFault says what is wrong with a subject that is published to. Those that
// begin with $ or _ are the server's own and its clients'.
func subjectFault(subject string) error {
	if err := patternFault(subject); err != nil {
		return err
	}
	if strings.ContainsAny(subject, "*>") {
		return errors.New("a subject that is published to has no * and no >")
	}
	if subject[0] == '$' || subject[0] == '_' {
		return errors.New("subjects that begin with $ or _ are the server's own")
	}
	return nil
}
