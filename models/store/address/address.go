// Package address reads spec.model.uri, the one line that says where a model
// lies: a path in the function's own folder, a file: URL, or an http(s) URL.
//
// It receives text and hands on an [Address]. It refuses schemes that no source
// of the model store serves, and paths that climb out of the function's folder;
// whether anything lies there is not its question.
package address

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// maxBytes bounds an address; presigned URLs are long, this is longer.
const maxBytes = 8 << 10

// Address is where a model lies.
type Address struct {
	// Scheme is "" (a path in the function's folder), file, http or https.
	Scheme string
	// Path is clean and slash-separated: inside the function's folder where Scheme
	// is "", absolute where it is file, empty otherwise.
	Path string
	// URL is set for http and https; it may hold credentials.
	URL *url.URL
}

// Parse reads uri.
func Parse(uri string) (Address, error) {
	switch {
	case uri == "":
		return Address{}, errors.New("is empty")
	case len(uri) > maxBytes:
		return Address{}, fmt.Errorf("is longer than %d bytes", maxBytes)
	case strings.ContainsFunc(uri, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Address{}, errors.New("holds a control character")
	}
	a, err := parse(uri)
	// Escaping makes an address longer, and what is written must be readable again.
	if err == nil && len(a.String()) > maxBytes {
		return Address{}, fmt.Errorf("is longer than %d bytes once it is escaped", maxBytes)
	}
	return a, err
}

func parse(uri string) (Address, error) {
	scheme, _, hasScheme := strings.Cut(uri, ":")
	if !hasScheme || strings.Contains(scheme, "/") {
		return inFolder(uri)
	}
	u, err := url.Parse(uri)
	if err != nil {
		return Address{}, errors.New("is no valid URL")
	}
	switch u.Scheme {
	case "file":
		return ofFile(u)
	case "http", "https":
		if u.Hostname() == "" {
			return Address{}, errors.New("names no host")
		}
		u.Fragment, u.RawFragment = "", ""
		return Address{Scheme: u.Scheme, URL: u}, nil
	}
	return Address{}, fmt.Errorf(
		"has a scheme we do not know, %.20q: use https, http, file, or a path in the function's folder", scheme)
}

func inFolder(uri string) (Address, error) {
	p := path.Clean(uri)
	switch {
	case path.IsAbs(p):
		return Address{}, fmt.Errorf("is an absolute path: write file://%s", p)
	case p == "." || !fs.ValidPath(p):
		return Address{}, errors.New("climbs out of the function's folder")
	}
	return Address{Path: p}, nil
}

func ofFile(u *url.URL) (Address, error) {
	if u.Host != "" && u.Host != "localhost" {
		return Address{}, fmt.Errorf("names the host %q: a file URL has three slashes, file:///folder/model.onnx", u.Host)
	}
	if !path.IsAbs(u.Path) || path.Clean(u.Path) == "/" {
		return Address{}, errors.New("names no absolute path: write file:///folder/model.onnx")
	}
	return Address{Scheme: "file", Path: path.Clean(u.Path)}, nil
}

// String is the address as it is written, without credentials.
func (a Address) String() string {
	switch a.Scheme {
	case "":
		if first, _, _ := strings.Cut(a.Path, "/"); strings.Contains(first, ":") {
			return "./" + a.Path // or it would read as a scheme
		}
		return a.Path
	case "file":
		return (&url.URL{Scheme: "file", Path: a.Path}).String()
	}
	open := *a.URL
	open.User = nil
	return open.String()
}

// Place is what a caller may be told of the address: the host of a URL, and of a
// file no more than its name.
func (a Address) Place() string {
	if a.URL != nil {
		return a.URL.Host
	}
	return a.Base()
}

// Base is the last part of the path, for example yolo11n.onnx; it may be empty
// for a URL.
func (a Address) Base() string {
	p := a.Path
	if a.URL != nil {
		p = a.URL.Path
	}
	if p == "" || strings.HasSuffix(p, "/") {
		return ""
	}
	return path.Base(p)
}
