// Package report tells what a contrast came to: one HTML file that needs nothing but a
// browser, the same numbers as JSON and CSV, and its figures as SVG and PNG.
//
// It receives an [Input]: for each trace what every style did with it, the runs at other
// rates and with other knobs, the prices, and where all of it comes from. It hands on
// files ([Write], [WriteFolder]) and the verdict in words ([Verdict]). It measures and
// simulates nothing. It refuses input that does not fit together ([Input.Check]).
//
// Every figure is drawn by this package, once, for page, SVG and PNG alike. The script
// in the page repeats only what depends on prices, because a reader may change those.
package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html page.css page.js
var files embed.FS

// Write writes the page of in: one file without links to anything else, which a
// Content-Security-Policy in it forbids as well.
func Write(w io.Writer, in Input) error {
	doc, err := newDocument(in)
	if err != nil {
		return err
	}
	view, err := newPage(doc)
	if err != nil {
		return err
	}
	page, err := template.New("page.html").ParseFS(files, "page.html")
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, view); err != nil {
		return fmt.Errorf("filling the page: %w", err)
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// Document is the JSON beside the page and inside it: the input, and what follows from
// it at the input's prices.
type Document struct {
	Input
	Derived Derived `json:"derived"`
	// Words are the sentences of the verdict, with {names} to be filled in.
	Words map[string]string `json:"words"`
	// Columns are those of the CSV.
	Columns []string `json:"columns"`
}

// Derived is what is worked out of an Input. Costs has a list for each trace with an
// element for each of its styles.
type Derived struct {
	Headline string   `json:"headline"`
	Verdict  []string `json:"verdict"`
	Losses   []string `json:"losses"`
	Costs    [][]Cost `json:"costs"`
	// Cheapest is which style costs least from which rate on; empty without a sweep.
	Cheapest []Stretch `json:"cheapest,omitempty"`
}

func newDocument(in Input) (Document, error) {
	if err := in.Check(); err != nil {
		return Document{}, err
	}
	in = in.withUsage()
	doc := Document{Input: in, Words: words(), Columns: csvColumns()}
	for _, trace := range in.Traces {
		var costs []Cost
		for _, style := range trace.Styles {
			costs = append(costs, in.Prices.of(style.Usage))
		}
		doc.Derived.Costs = append(doc.Derived.Costs, costs)
	}
	doc.Derived.Cheapest = cheapest(in.Sweep, in.Prices)
	doc.tell()
	return doc, nil
}

// WriteJSON writes the [Document] of in.
func WriteJSON(w io.Writer, in Input) error {
	doc, err := newDocument(in)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("writing the report's JSON: %w", err)
	}
	return nil
}

// Verdict is the headline and a sentence or two for each trace.
func Verdict(in Input) (headline string, rest []string, err error) {
	doc, err := newDocument(in)
	return doc.Derived.Headline, doc.Derived.Verdict, err
}

// hash is text as a source in a Content-Security-Policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
