package report

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io/fs"
)

// page is what the template is filled with.
type page struct {
	Doc      *Document
	Policy   string // Content-Security-Policy
	CSS      template.CSS
	JS       template.JS
	Data     template.JS // the Document
	Styles   []inked
	Summary  []summaryTrace
	Break    *figure
	Latency  []figure
	Time     []figureRow
	Starts   []figure
	Cost     []figure
	Prices   []namedPrice
	Knobs    []figureRow
	Checked  table
	Subject  string
	Made     string
	Seed     string
	Currency string
}

// inked is a name in a style's colour.
type inked struct{ Name, Label, Ink string }

type summaryTrace struct {
	Name string
	Rows []summaryRow
}

type summaryRow struct {
	inked
	P50, P99, Cold, Cost, Wasted template.HTML
}

// figure is a drawing with the numbers behind it.
type figure struct {
	SVG   template.HTML
	Table table
	Index int // of its trace
}

type figureRow struct {
	Name    string
	Figures []figure
	Table   table
	Wide    bool
}

type table struct {
	Caption string
	Head    []string
	Rows    [][]template.HTML
}

func newPage(doc Document) (page, error) {
	text := func(name string) (string, error) {
		b, err := fs.ReadFile(files, name)
		return string(b), err
	}
	css, err := text("page.css")
	if err != nil {
		return page{}, fmt.Errorf("reading the page's style: %w", err)
	}
	css = ":root{color-scheme:light dark;" + inkVariables(light) + "}@media screen and (prefers-color-scheme:dark){:root{" + inkVariables(dark) + "}}" +
		inkClasses() + css
	js, err := text("page.js")
	if err != nil {
		return page{}, fmt.Errorf("reading the page's script: %w", err)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return page{}, fmt.Errorf("writing the page's data: %w", err)
	}
	p := page{
		Doc: &doc, CSS: template.CSS(css), JS: template.JS(js), Data: template.JS(data),
		Policy:  "default-src 'none'; img-src data:; style-src " + hash(css) + "; script-src " + hash(js) + "; base-uri 'none'; form-action 'none'",
		Prices:  doc.Prices.list(),
		Subject: doc.labelOf(doc.Subject),
		Made:    doc.Origin.Made.UTC().Format("2 January 2006, 15:04 UTC"), Seed: fmt.Sprint(doc.Origin.Seed),
		Currency: doc.Prices.Currency,
	}
	for _, name := range doc.styles() {
		p.Styles = append(p.Styles, inked{name, doc.labelOf(name), doc.colour(name)})
	}
	p.Checked = doc.validationTable()
	p.addFigures(drawAll(&doc))
	for t := range doc.Traces {
		p.Summary = append(p.Summary, doc.summary(t))
	}
	return p, nil
}

// addFigures puts each drawing together with its table.
func (p *page) addFigures(f figures) {
	doc := p.Doc
	if f.breakEven != nil {
		p.Break = &figure{SVG: template.HTML(f.breakEven.svg()), Table: doc.sweepTable()}
	}
	starts := 0
	for t, trace := range doc.Traces {
		p.Latency = append(p.Latency, figure{template.HTML(f.latency[t].svg()), doc.latencyTable(t), t})
		p.Cost = append(p.Cost, figure{template.HTML(f.cost[t].svg()), doc.costTable(t), t})
		row := figureRow{Name: label(trace.Name), Table: doc.timeTable(t), Wide: len(f.time[t]) > 2}
		for _, d := range f.time[t] {
			row.Figures = append(row.Figures, figure{SVG: template.HTML(d.svg())})
		}
		p.Time = append(p.Time, row)
		if table := doc.startsTable(t); len(table.Rows) > 0 && starts < len(f.starts) {
			p.Starts = append(p.Starts, figure{template.HTML(f.starts[starts].svg()), table, t})
			starts++
		}
	}
	for k, knobs := range doc.Knobs {
		row := figureRow{Name: doc.labelOf(knobs.Style) + " on " + knobs.Trace, Table: doc.knobsTable(k), Wide: true}
		for n, d := range f.knobs {
			if f.knobsOf[n] == k {
				row.Figures = append(row.Figures, figure{SVG: template.HTML(d.svg())})
			}
		}
		p.Knobs = append(p.Knobs, row)
	}
}

// datum is a value as the reader sees it, with the value itself and where it stands in
// the document, so that a program can tell that they are the same.
func datum(path string, value any, shown string) template.HTML {
	exact, err := json.Marshal(value)
	if err != nil { // no number
		return template.HTML(html.EscapeString(shown))
	}
	return template.HTML(fmt.Sprintf(`<data value="%s" data-path="%s">%s</data>`,
		html.EscapeString(string(exact)), html.EscapeString(path), html.EscapeString(shown)))
}

func plain(text string) template.HTML { return template.HTML(html.EscapeString(text)) }
