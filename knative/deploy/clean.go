package deploy

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxSentence bounds what a container's message may add to a sentence, in bytes.
const maxSentence = 600

// A URL's user, password and query may let whoever reads them in.
var (
	urlUser  = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@"']+@`)
	urlQuery = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://[^\s?"']+\?)[^\s"']+`)
)

// clean is text from a container or the cluster as it may be shown: in one line,
// without what steers a terminal, and without a URL's user, password and query.
func clean(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	text = urlUser.ReplaceAllString(text, "${1}***@")
	text = urlQuery.ReplaceAllString(text, "${1}***")
	text = printable(text)
	if len(text) > maxSentence {
		text = strings.ToValidUTF8(text[:maxSentence], "") + "..."
	}
	return text
}

// printable writes what would steer a terminal as Go writes it in a string.
func printable(text string) string {
	steers := func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }
	if strings.IndexFunc(text, steers) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
