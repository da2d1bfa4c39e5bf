package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// matches tells whether a topic is of a filter, in which + stands for one level and #
// for the rest, none included (MQTT 5.0, 4.7). Topics that begin with $ are the
// broker's own, and of no filter that begins with a wildcard.
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false
	}
	levels := strings.Split(topic, "/")
	for want := range strings.SplitSeq(filter, "/") {
		switch {
		case want == "#":
			return true
		case len(levels) == 0:
			return false
		case want != "+" && want != levels[0]:
			return false
		}
		levels = levels[1:]
	}
	return len(levels) == 0
}

// unshared is the filter of a shared subscription, $share/GROUP/FILTER, and any other
// as it is.
func unshared(filter string) string {
	rest, shared := strings.CutPrefix(filter, "$share/")
	if !shared {
		return filter
	}
	_, rest, _ = strings.Cut(rest, "/")
	return rest
}

// filterFault says what is wrong with a topic filter.
func filterFault(filter string) error {
	if filter == "" || len(filter) > 65535 || !utf8.ValidString(filter) || strings.ContainsRune(filter, 0) {
		return fmt.Errorf("%q is not of 1 to 65535 bytes of UTF-8", filter)
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i < len(levels)-1:
			return fmt.Errorf("%q has # before its end", filter)
		case len(level) > 1 && strings.ContainsAny(level, "+#"):
			return fmt.Errorf("%q has a wildcard beside other characters", filter)
		}
	}
	return nil
}

// topicFault says what is wrong with a topic that is published to.
func topicFault(topic string) error {
	if err := filterFault(topic); err != nil {
		return err
	}
	if strings.ContainsAny(topic, "+#") {
		return errors.New("a topic that is published to has no + and no #")
	}
	if topic[0] == '$' {
		return errors.New("topics that begin with $ are the broker's own")
	}
	return nil
}
