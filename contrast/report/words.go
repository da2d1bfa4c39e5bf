package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// words are the sentences of the verdict. Here and in the page's script they are filled
// by the same rules, so there is one text for both.
func words() map[string]string {
	return map[string]string{
		"first":   "{style} is cheapest below {rate} requests a second",
		"middle":  "{style} from there to {rate}",
		"last":    "{style} above that.",
		"always":  "{style} is cheapest at every rate tried, from {from} to {to} requests a second.",
		"single":  "On {trace}, {style} costs least: {cost} for a million requests.",
		"cost":    "{trace}, {rate} requests a second on average: {style} costs least, {cost} for a million requests",
		"less":    ", {share} less than {other}",
		"fast":    ". {style} answers soonest at the 99th percentile, within {p99}; {cheap} within {other}.",
		"both":    ". It also answers soonest at the 99th percentile, within {p99}.",
		"alone":   ". Its 99th percentile is {p99}.",
		"dearer":  "{trace}: {style} costs {share} more than {other}.",
		"slower":  "{trace}: {style}’s 99th percentile is {p99}, {other}’s {less}.",
		"worse":   "{trace}: {style} loses to {other} on both: it costs {share} more, and its 99th percentile is {p99} against {less}.",
		"nowhere": "{style} loses to none of the others, neither on cost nor on the 99th percentile.",
	}
}

// fill puts values into a sentence: name, value, name, value.
func fill(sentence string, values ...string) string {
	for i := range values {
		if i%2 == 0 {
			values[i] = "{" + values[i] + "}"
		}
	}
	return strings.NewReplacer(values...).Replace(sentence)
}

// number is x to three digits that count, with commas between thousands: 0.0123, 4.56,
// 78.9, 12,346. The page's script has the same; both round halves up.
func number(x float64) string { return significant(x, 3) }

func significant(x float64, figures int) string {
	if !(math.Abs(x) >= 1e-12) {
		return "0"
	}
	digits := max(0, figures-1-int(math.Floor(math.Log10(math.Abs(x)))))
	p := math.Pow(10, float64(digits))
	text := strconv.FormatFloat(math.Floor(x*p+0.5)/p, 'f', digits, 64)
	if digits > 0 {
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return thousands(text)
}

func thousands(text string) string {
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// count is a whole number with commas.
func count(n int64) string { return thousands(strconv.FormatInt(n, 10)) }

// money is an amount in a currency, with cents where it is between 1 and 1,000: $4.50,
// EUR 0.0123.
func money(currency string, x float64) string {
	cents := math.Floor(x*100 + 0.5)
	if x >= 1 && cents < 100_000 {
		return sign(currency) + strconv.FormatFloat(cents/100, 'f', 2, 64)
	}
	return sign(currency) + number(x)
}

// sign is what stands before an amount.
func sign(currency string) string {
	if currency == "USD" {
		return "$"
	}
	return currency + " "
}

// space keeps a number and its unit on one line.
const space = "\u00a0"

// seconds is a time as people say it: 12.3 ms, 4.56 s, 12 min.
func seconds(s float64) string {
	switch {
	case s < 1 && s != 0:
		return number(s*1000) + space + "ms"
	case s < 600:
		return number(s) + space + "s"
	case s < 2*3600:
		return number(s/60) + space + "min"
	}
	return number(s/3600) + space + "h"
}

// percent is a share of 1: 12.3 %, and below ten percent with a digit less.
func percent(share float64) string {
	figures := 3
	if math.Abs(share) < 0.1 {
		figures = 2
	}
	return significant(share*100, figures) + space + "%"
}

// plural is "1 start", "3 starts".
func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", count(n), what)
}
