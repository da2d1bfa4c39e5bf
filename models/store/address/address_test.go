package address_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/models/store/address"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		uri, scheme, path, text, place, base string
	}{
		"a name in the folder":                 {"model.onnx", "", "model.onnx", "model.onnx", "model.onnx", "model.onnx"},
		"a path with a dot":                    {"./a//b.onnx", "", "a/b.onnx", "a/b.onnx", "b.onnx", "b.onnx"},
		"a path that goes down and up inside":  {"a/../b.onnx", "", "b.onnx", "b.onnx", "b.onnx", "b.onnx"},
		"a path with a colon in its folder":    {"a/b:c.onnx", "", "a/b:c.onnx", "a/b:c.onnx", "b:c.onnx", "b:c.onnx"},
		"a file URL with an escaped space":     {"file:///m/a%20b.onnx", "file", "/m/a b.onnx", "file:///m/a%20b.onnx", "a b.onnx", "a b.onnx"},
		"a file URL with one slash":            {"file:/m/a.onnx", "file", "/m/a.onnx", "file:///m/a.onnx", "a.onnx", "a.onnx"},
		"a file URL that names localhost":      {"file://localhost/m/a.onnx", "file", "/m/a.onnx", "file:///m/a.onnx", "a.onnx", "a.onnx"},
		"an https URL without its fragment":    {"https://h.example/a/b.onnx?x=1#f", "https", "", "https://h.example/a/b.onnx?x=1", "h.example", "b.onnx"},
		"a URL whose credentials stay private": {"http://me:pw@h.example:8/b.onnx", "http", "", "http://h.example:8/b.onnx", "h.example:8", "b.onnx"},
		"a URL without a file name":            {"https://h.example/", "https", "", "https://h.example/", "h.example", ""},
		"an upper-case scheme":                 {"HTTPS://h.example/b.onnx", "https", "", "https://h.example/b.onnx", "h.example", "b.onnx"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := address.Parse(c.uri)
			if err != nil {
				t.Fatal(err)
			}
			got := [...]string{a.Scheme, a.Path, a.String(), a.Place(), a.Base()}
			want := [...]string{c.scheme, c.path, c.text, c.place, c.base}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ uri, want string }{
		"nothing":                                {"", "is empty"},
		"a path above the folder":                {"../model.onnx", "climbs out"},
		"a path above by a detour":               {"a/../../model.onnx", "climbs out"},
		"the folder itself":                      {"./", "climbs out"},
		"an absolute path":                       {"/models/a.onnx", "write file:///models/a.onnx"},
		"a scheme of the future":                 {"s3://bucket/a.onnx", `do not know, "s3"`},
		"a Windows drive":                        {`C:\a.onnx`, "do not know"},
		"a file URL with a host":                 {"file://models/a.onnx", `names the host "models"`},
		"a file URL with a relative path":        {"file:a.onnx", "no absolute path"},
		"a file URL of the root":                 {"file:///", "no absolute path"},
		"an http URL without a host":             {"http:///a.onnx", "names no host"},
		"an http URL with a port alone":          {"http://:80/a.onnx", "names no host"},
		"a URL that is none":                     {"http://%zz/", "no valid URL"},
		"a line break":                           {"a\nb", "control character"},
		"a scheme with nothing before it":        {":a", "no valid URL"},
		"an address that escaping makes so long": {"https://h.example/" + strings.Repeat(" ", 3000), "once it is escaped"},
		"an address longer than any sense":       {strings.Repeat("a", 9000), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := address.Parse(c.uri)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v; want an error with %q", a, err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, uri := range []string{"m.onnx", "a/../b", "file:///a/%2e%2e/b", "https://u:p@h/x?y#z", "s3://b/k", "HTTP://[::1]:8/a"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		a, err := address.Parse(uri)
		if err != nil {
			return
		}
		switch a.Scheme {
		case "":
			if !fs.ValidPath(a.Path) || a.Path == "." {
				t.Errorf("%q leaves the folder: %q", uri, a.Path)
			}
		case "file":
			if !path.IsAbs(a.Path) || path.Clean(a.Path) != a.Path {
				t.Errorf("%q is at %q", uri, a.Path)
			}
		case "http", "https":
			if a.URL.Hostname() == "" || a.URL.Fragment != "" {
				t.Errorf("%q is %v", uri, a.URL)
			}
		default:
			t.Errorf("%q has the scheme %q", uri, a.Scheme)
		}
		if strings.Contains(a.Base(), "/") && a.URL == nil {
			t.Errorf("%q has the base %q", uri, a.Base())
		}
		again, err := address.Parse(a.String())
		if err != nil || again.String() != a.String() {
			t.Errorf("%q is written %q, which reads as %q, %v", uri, a, again, err)
		}
	})
}
