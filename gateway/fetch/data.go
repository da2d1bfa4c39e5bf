package fetch

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// isData tells whether rawURL has the scheme data.
func isData(rawURL string) bool {
	return len(rawURL) >= 5 && strings.EqualFold(rawURL[:5], "data:")
}

// Size is the most bytes that the picture at rawURL can have, limit among them: those of
// its text for a data URL. It is negative for other URLs, which do not say.
func Size(rawURL string, limit int64) int64 {
	if !isData(rawURL) {
		return -1
	}
	return min(int64(len(rawURL)), limit)
}

// Data returns the picture of at most limit bytes in rawURL, a data URL (RFC
// 2397) of an image type, in base64 or percent form. The text itself
// is the caller's to bound: it is in memory already.
//
// Errors are functions.Errors: Invalid, Unsupported for another media type,
// TooLarge, and Unreadable for a picture without bytes.
func Data(rawURL string, limit int64) ([]byte, error) {
	head, text, found := strings.Cut(rawURL, ",")
	if !isData(rawURL) || !found {
		return nil, functions.Errorf(functions.Invalid, "a data URL is written data:image/TYPE;base64,TEXT")
	}
	head = strings.ToLower(head[len("data:"):])
	head, in64 := strings.CutSuffix(head, ";base64")
	if media, _, _ := strings.Cut(head, ";"); !strings.HasPrefix(media, "image/") {
		return nil, functions.Errorf(functions.Unsupported, "the data URL must be of an image type, data:image/...")
	}
	// A byte takes 4 characters at most (percent-escaped base64), so longer text is
	// over the limit however it is written. Said first, it spares the copy that
	// unescaping makes.
	if int64(len(text)) > 4*limit+64 {
		return nil, tooLarge(limit)
	}
	if strings.Contains(text, "%") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil, functions.Errorf(functions.Invalid, "the data URL has a percent sign that starts no escape").Because(err)
		}
		text = plain
	}
	if in64 {
		return Base64(text, limit)
	}
	return ReadAll(strings.NewReader(text), int64(len(text)), limit)
}

// Base64 returns the picture of at most limit bytes in text: base64 in the
// standard or the URL alphabet, padded or not, line breaks allowed. Its size is
// checked before memory is taken. Errors are as those of [Data].
func Base64(text string, limit int64) ([]byte, error) {
	text = strings.TrimRight(text, "=\r\n")
	breaks := strings.Count(text, "\n") + strings.Count(text, "\r")
	size := base64.RawStdEncoding.DecodedLen(len(text) - breaks)
	if int64(size) > limit {
		return nil, tooLarge(limit)
	}
	if size == 0 {
		return nil, functions.Errorf(functions.Unreadable, "the picture is empty: it has no bytes")
	}
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		alphabet = base64.RawURLEncoding
	}
	picture, err := alphabet.DecodeString(text)
	if err != nil {
		return nil, functions.Errorf(functions.Invalid, "the picture's base64 text is malformed").Because(err)
	}
	return picture, nil
}
