package inspect

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxClasses bounds the names read from a model's metadata.
const maxClasses = 1 << 16

// python reads the literals that Ultralytics writes into metadata with Python's
// repr: dicts, lists, strings and numbers.
type python struct{ rest string }

// pythonNames reads class names by class id: {0: 'person', 1: "bicycle's"} or
// ['person', 'bicycle']. It fails where ids are missing, twice or not from 0 on.
func pythonNames(text string) ([]string, bool) {
	p := python{text}
	dict := p.take('{')
	if !dict && !p.take('[') {
		return nil, false
	}
	end := byte(']')
	if dict {
		end = '}'
	}
	var names []string
	for !p.take(end) {
		if dict {
			id, ok := p.number()
			if !ok || id != len(names) || !p.take(':') {
				return nil, false
			}
		}
		name, ok := p.quoted()
		if !ok || len(names) >= maxClasses {
			return nil, false
		}
		names = append(names, name)
		if !p.take(',') {
			if !p.take(end) {
				return nil, false
			}
			break
		}
	}
	return names, len(names) > 0 && strings.TrimSpace(p.rest) == ""
}

// pythonInts reads [640, 640], (640, 640) or 640.
func pythonInts(text string) ([]int, bool) {
	p := python{text}
	if n, ok := p.number(); ok {
		return []int{n}, strings.TrimSpace(p.rest) == ""
	}
	if !p.take('[') && !p.take('(') {
		return nil, false
	}
	var list []int
	for len(list) < maxRank {
		n, ok := p.number()
		if !ok {
			return nil, false
		}
		list = append(list, n)
		if p.take(']') || p.take(')') {
			return list, strings.TrimSpace(p.rest) == ""
		}
		if !p.take(',') {
			return nil, false
		}
	}
	return nil, false
}

// take passes over c, and space before it, if it comes next.
func (p *python) take(c byte) bool {
	rest := strings.TrimLeft(p.rest, " \t\r\n")
	if rest == "" || rest[0] != c {
		return false
	}
	p.rest = rest[1:]
	return true
}

// number reads an int of at most 9 digits.
func (p *python) number() (int, bool) {
	rest := strings.TrimLeft(p.rest, " \t\r\n")
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 9 {
		return 0, false
	}
	p.rest = rest[len(digits):]
	return n, true
}

// quoted reads a string in single or double quotes, with the escapes of repr.
func (p *python) quoted() (string, bool) {
	quote := byte('\'')
	if !p.take(quote) {
		quote = '"'
		if !p.take(quote) {
			return "", false
		}
	}
	var b strings.Builder
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == quote:
			p.rest = p.rest[1:]
			return b.String(), true
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			p.rest = p.rest[1:]
		}
	}
	return "", false
}

// escape reads a backslash and what belongs to it.
func (p *python) escape() (rune, bool) {
	if len(p.rest) < 2 {
		return 0, false
	}
	c := p.rest[1]
	p.rest = p.rest[2:]
	digits := 0
	switch c {
	case '\\', '\'', '"':
		return rune(c), true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		return 0, false
	}
	if len(p.rest) < digits {
		return 0, false
	}
	v, err := strconv.ParseUint(p.rest[:digits], 16, 32)
	p.rest = p.rest[digits:]
	return rune(v), err == nil && v <= utf8.MaxRune
}
