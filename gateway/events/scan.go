package events

import (
	"bytes"
	"iter"
)

// The walkers of this file look at JSON that json.Valid has found good. They copy
// nothing, since one value may be a whole picture, and show every name an object
// has, where encoding/json keeps the last of those that are the same.

// space is what may stand between JSON's tokens.
const space = " \t\r\n"

// pairs are the members of an object: the name with its quotes, and the value.
func pairs(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for rest := trim(object[1:]); rest[0] != '}'; {
			name := rest[:valueEnd(rest)]
			rest = trim(rest[len(name):])
			rest = trim(rest[1:]) // the colon
			value := rest[:valueEnd(rest)]
			if !yield(name, value) {
				return
			}
			rest = trim(rest[len(value):])
			if rest[0] == ',' {
				rest = trim(rest[1:])
			}
		}
	}
}

// elements are the values of a list.
func elements(list []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := trim(list[1:]); rest[0] != ']'; {
			value := rest[:valueEnd(rest)]
			if !yield(value) {
				return
			}
			rest = trim(rest[len(value):])
			if rest[0] == ',' {
				rest = trim(rest[1:])
			}
		}
	}
}

func trim(text []byte) []byte { return bytes.TrimLeft(text, space) }

// valueEnd is the length of the value that text begins with.
func valueEnd(text []byte) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
		depth := 0
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '"':
				i += stringEnd(text[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	if end := bytes.IndexAny(text, ",]}"+space); end >= 0 {
		return end
	}
	return len(text)
}

// stringEnd is the length of the string that text begins with.
func stringEnd(text []byte) int {
	end := 1
	for {
		end += bytes.IndexByte(text[end:], '"') + 1
		escapes := 0
		for text[end-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
}
