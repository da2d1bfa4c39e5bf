package fetch

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestData(t *testing.T) {
	const limit = 100
	full := strings.Repeat("\xff", limit)
	for _, tt := range []struct {
		name, url, want string
		kind            functions.Kind
	}{
		{"base64", "data:image/png;base64,iVBORw==", "\x89PNG", ""},
		{"base64 without its padding", "data:image/png;base64,iVBORw", "\x89PNG", ""},
		{"base64 in the URL alphabet", "data:image/png;base64,-_-_", "\xfb\xff\xbf", ""},
		{"base64 in percent form", "data:image/png;base64,%2B%2F%2B%2F", "\xfb\xff\xbf", ""},
		{"base64 with line breaks", "data:image/png;base64,iVB\r\nORw==\n", "\x89PNG", ""},
		{"a parameter before base64", "data:image/svg+xml;charset=utf-8;base64,iVBORw==", "\x89PNG", ""},
		{"capitals", "DATA:IMAGE/PNG;BASE64,iVBORw==", "\x89PNG", ""},
		{"percent form", "data:image/bmp,BM%00%ff", "BM\x00\xff", ""},
		{"plus is no space", "data:image/bmp,B+M", "B+M", ""},
		{"a comma in the data", "data:image/bmp,B,M", "B,M", ""},
		{"as long as the limit", "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(full)), full, ""},
		{"as long as the limit in percent form", "data:image/png," + strings.Repeat("%ff", limit), full, ""},
		{"over the limit", "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(full+"a")), "", functions.TooLarge},
		{"over the limit in percent form", "data:image/png," + strings.Repeat("%ff", limit+1), "", functions.TooLarge},
		{"far over the limit and malformed", "data:image/png," + strings.Repeat("%", 5*limit), "", functions.TooLarge},
		{"no bytes", "data:image/png;base64,", "", functions.Unreadable},
		{"no bytes but padding", "data:image/png;base64,====", "", functions.Unreadable},
		{"no bytes in percent form", "data:image/png,", "", functions.Unreadable},
		{"text", "data:text/html;base64,iVBORw==", "", functions.Unsupported},
		{"no type, which means text", "data:,abc", "", functions.Unsupported},
		{"no comma", "data:image/png;base64", "", functions.Invalid},
		{"malformed base64", "data:image/png;base64,iVB*Rw==", "", functions.Invalid},
		{"base64 with a rest", "data:image/png;base64,iVBOR", "", functions.Invalid},
		{"both alphabets", "data:image/png;base64,+-+-", "", functions.Invalid},
		{"a percent sign alone", "data:image/png,50%", "", functions.Invalid},
		{"no data URL", "http://example.com/a,b", "", functions.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Data(tt.url, limit)
			if tt.kind != "" {
				wantError(t, err, tt.kind, "")
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
