package catalog

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Rule is what one field of function.yaml may hold. The same table of rules
// checks files, shapes the JSON Schema and is printed in docs/functions.md. A
// field without a rule may hold anything of its type.
type Rule struct {
	// Required fields must be there.
	Required bool
	// Min and Max bound a number, or a duration in seconds, inclusively. Both 0: no
	// bounds.
	Min, Max float64
	// Zero lets an explicit 0 through beside Min to Max, where it means something.
	Zero bool
	// Step is what the number is a multiple of, or 0; a duration's is in seconds.
	Step float64
	// OneOf are all the values there are. A list has each at most once.
	OneOf []string
	// Pattern is a regular expression, and Words says it to people.
	Pattern, Words string
	// MaxLength bounds text, or each text of a list, in characters; 0 means 1000.
	MaxLength int
	// MaxItems bounds a list; 0 means 100.
	MaxItems int
	// Items is how many a list has, where that is fixed.
	Items int
	// Quantity fields may be written as plain numbers too.
	Quantity bool
	// Duration fields hold a duration as text.
	Duration bool

	check func(text string) error // what no pattern can say
}

const (
	maxText  = 1000
	maxItems = 100
)

// LengthLimit is the most characters of a text.
func (r Rule) LengthLimit() int { return cmp.Or(r.MaxLength, maxText) }

// ItemLimit is the most items of a list.
func (r Rule) ItemLimit() int { return cmp.Or(r.Items, r.MaxItems, maxItems) }

// fault says what is wrong with v, or nothing.
func (r Rule) fault(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int64:
		return r.durationFault(time.Duration(v.Int()))
	case reflect.Int:
		return r.numberFault(float64(v.Int()), strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return r.numberFault(v.Float(), number(v.Float()))
	case reflect.String:
		return r.textFault(v.String())
	}
	return ""
}

func (r Rule) numberFault(v float64, shown string) string {
	switch {
	case r.Zero && v == 0:
		return ""
	case math.IsNaN(v), math.IsInf(v, 0):
		return shown + " is no number to work with"
	case r.Min == 0 && r.Max == 0:
		return ""
	case v < r.Min || v > r.Max, r.Step != 0 && math.Mod(v, r.Step) != 0:
		r.Items = 0 // it is one of them that is looked at
		return shown + " is not " + r.String()
	}
	return ""
}

func (r Rule) durationFault(d time.Duration) string {
	s := d.Seconds()
	if r.Zero && s == 0 || s >= r.Min && s <= r.Max && (r.Step == 0 || d%seconds(r.Step) == 0) {
		return ""
	}
	return short(d) + " is not " + r.String()
}

func (r Rule) textFault(text string) string {
	limit := r.LengthLimit()
	switch {
	case r.OneOf != nil && !slices.Contains(r.OneOf, text):
		return quote(text) + " is not " + r.String() + meant(text, r.OneOf)
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return quote(text) + " holds a control character"
	case utf8.RuneCountInString(text) > limit:
		return fmt.Sprintf("%s is longer than %d characters", quote(text), limit)
	case r.Pattern != "" && !regexp.MustCompile(r.Pattern).MatchString(text):
		return quote(text) + " is not " + r.Words
	case r.check == nil:
		return ""
	}
	if err := r.check(text); err != nil {
		return quote(text) + " " + err.Error()
	}
	return ""
}

// String says what the rule allows, for example "between 0 and 1"; it is empty
// where there is nothing to say.
func (r Rule) String() string {
	switch {
	case len(r.OneOf) == 1:
		return r.OneOf[0]
	case r.OneOf != nil:
		return "one of " + strings.Join(r.OneOf, ", ")
	case r.Words != "":
		return r.Words
	case r.Min == 0 && r.Max == 0:
		return ""
	case r.Duration:
		return r.durationString()
	}
	text := "between " + number(r.Min) + " and " + number(r.Max)
	if r.Step != 0 {
		text = "a multiple of " + number(r.Step) + " " + text
	}
	if r.Zero && r.Min > 0 {
		text = "0 or " + text
	}
	if r.Items > 0 {
		text = strconv.Itoa(r.Items) + " numbers " + text
	}
	return text
}

func (r Rule) durationString() string {
	text := "between " + short(seconds(r.Min)) + " and " + short(seconds(r.Max))
	if r.Step == 1 {
		text += " in whole seconds"
	}
	return text
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// short writes d as a person would: 60s and 1h, not 1m0s and 1h0m0s.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0 && d > time.Minute:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	case d == time.Minute:
		return "60s"
	}
	return d.String()
}

// quote shows a value in a message: bounded, and in quotes where it is not plain.
func quote(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	plain := text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '"' || !strconv.IsPrint(c) })
	if plain && utf8.ValidString(text) {
		return text
	}
	return strconv.Quote(text)
}
