package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/contrast/report"
)

// shown is the sample's page in a browser. The sample is made once for all tests.
var made = sync.OnceValues(sample)

func shown(t *testing.T) (*browser, report.Input) {
	t.Helper()
	in, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return show(t, in), in
}

func show(t *testing.T, in report.Input) *browser {
	t.Helper()
	var text bytes.Buffer
	if err := report.Write(&text, in); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return open(t, file)
}

// quiet asks that nothing went wrong and nothing but the page itself was asked for.
func (b *browser) quiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		t.Errorf("the page complains: %s", fault)
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, "file:///") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			t.Errorf("the page asks for %s", url)
		}
	}
	if len(b.requests) == 0 {
		t.Error("not even the page was asked for: the watch is at fault")
	}
}

func TestThePageLooksAsItShould(t *testing.T) {
	b, _ := shown(t)
	for _, look := range []struct {
		name   string
		width  int64
		scheme string
	}{
		{"wide-light", 1280, "light"},
		{"wide-dark", 1280, "dark"},
		{"phone-light", 390, "light"},
		{"phone-dark", 390, "dark"},
	} {
		t.Run(look.name, func(t *testing.T) {
			call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
			})
			b.do(t, chromedp.EmulateViewport(look.width, 900))
			keep(t, look.name+".png", get(t, b, chromedp.FullScreenshot(100)))
			if wide := ask[int64](t, b, "document.documentElement.scrollWidth"); wide > look.width {
				t.Errorf("the page is %d pixels wide on a screen of %d", wide, look.width)
			}
			if ask[bool](t, b, `(() => { const e = document.querySelector(".summary").parentElement; return e.scrollWidth > e.clientWidth; })()`) {
				t.Error("the first table has to be scrolled sideways")
			}
			for _, fault := range ask[[]string](t, b, pale) {
				t.Errorf("hard to read: %s", fault)
			}
			if small := ask[[]string](t, b, tooSmall); len(small) > 0 {
				t.Errorf("texts of less than 9 pixels: %q", small)
			}
			if beyond := ask[[]string](t, b, cutOff); len(beyond) > 0 {
				t.Errorf("texts beyond the screen: %q", beyond)
			}
		})
	}
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	b.do(t, chromedp.EmulateViewport(688, 980)) // A4 less its margins
	keep(t, "print.png", get(t, b, chromedp.FullScreenshot(100)))
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	pdf := get(t, b, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground(), chromedp.PDFPreferCSSPageSize()))
	keep(t, "print.pdf", pdf)
	if !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("printing came to %d bytes that are no PDF", len(pdf))
	}
	b.quiet(t)
}

// pale finds texts whose contrast on the ground is below 4.5 to 1 (WCAG 2.2, 1.4.3).
const pale = `(() => {
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = parse(c).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = light(getComputedStyle(document.documentElement).backgroundColor);
  const faults = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest("script,title,desc")) continue;
    const style = getComputedStyle(e), ink = light(e.closest("svg") ? style.fill : style.color);
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) faults.add(e.tagName + " " + walk.currentNode.data.trim() + " " + ratio.toFixed(2));
  }
  return [...faults];
})()`

const tooSmall = `[...document.querySelectorAll("svg text")].filter((e) => e.getBoundingClientRect().height > 0 &&
  e.getScreenCTM().a * parseFloat(e.getAttribute("font-size")) < 9).map((e) => e.textContent)`

const cutOff = `[...document.querySelectorAll("svg text")].filter((e) => { const r = e.getBoundingClientRect(); return r.left < -1 || r.right > innerWidth + 1; }).map((e) => e.textContent)`

func TestTheNumbersInThePageAreThoseOfTheJSON(t *testing.T) {
	b, in := shown(t)
	var text bytes.Buffer
	if err := report.WriteJSON(&text, in); err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(text.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	cells := ask[[]struct{ Path, Value, Text string }](t, b,
		`[...document.querySelectorAll("data")].map((e) => ({Path: e.dataset.path, Value: e.value, Text: e.textContent}))`)
	if len(cells) < 100 {
		t.Fatalf("found %d numbers", len(cells))
	}
	for _, cell := range cells {
		at := document
		for name := range strings.SplitSeq(cell.Path, ".") {
			switch node := at.(type) {
			case []any:
				n, err := strconv.Atoi(name)
				if err != nil || n >= len(node) {
					t.Fatalf("%s leads nowhere", cell.Path)
				}
				at = node[n]
			case map[string]any:
				at = node[name]
			}
		}
		want, ok := at.(float64)
		if value, err := strconv.ParseFloat(cell.Value, 64); !ok || err != nil || value != want {
			t.Errorf("%s is %s in the page and %v in the JSON", cell.Path, cell.Value, at)
			continue
		}
		if strings.HasSuffix(cell.Path, ".cold") && strings.HasSuffix(cell.Text, "%") {
			continue // a share of something else
		}
		off := 0.006 // half of the third digit, or of the second one
		if strings.HasSuffix(cell.Text, "%") {
			off = 0.051
		}
		if read, err := readNumber(cell.Text); err != nil || math.Abs(read-want) > off*math.Abs(want) {
			t.Errorf("%s is %v and reads %q", cell.Path, want, cell.Text)
		}
	}
	b.quiet(t)
}

// readNumber reads what the page shows: 12.3 ms, $1,234, 4.5 %.
func readNumber(text string) (float64, error) {
	digits, unit, _ := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(text, "$"), ",", ""), "\u00a0")
	value, err := strconv.ParseFloat(digits, 64)
	times, known := map[string]float64{"": 1, "s": 1, "ms": 1e-3, "min": 60, "h": 3600, "%": 0.01}[unit]
	if err == nil && !known {
		err = fmt.Errorf("no unit: %q", unit)
	}
	return value * times, err
}

// words is all that depends on prices, as the reader has it.
func words(t *testing.T, b *browser) []string {
	return ask[[]string](t, b, `[...document.querySelectorAll("#headline, #verdict li, #losses li, [data-cost] text, #break text, [data-cost] desc, #break desc, [data-sweep], data")].map((e) => e.textContent)`)
}

func setPrice(t *testing.T, b *browser, name, value string) {
	t.Helper()
	if said := ask[string](t, b, fmt.Sprintf(`(() => { const e = document.getElementById("p-%s"); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); return document.getElementById("said").value; })()`, name, value)); said == "" {
		t.Fatalf("nothing happened at %s = %s", name, value)
	}
}

// The script says what the Go code says: at the prices of the run, and at others.
func TestAChangedPriceChangesWhatIsSaid(t *testing.T) {
	b, in := shown(t)
	before := words(t, b)
	setPrice(t, b, "lambda", fmt.Sprint(in.Prices.Lambda.Amount))
	same(t, "reckoned anew at the same prices", words(t, b), before)

	headlines := map[string]bool{before[0]: true}
	for _, change := range []struct {
		name   string
		amount float64
		set    func(*report.Prices) *report.Price
	}{
		{"lambda", 400, func(p *report.Prices) *report.Price { return &p.Lambda }},
		{"core", 0.02, func(p *report.Prices) *report.Price { return &p.Core }},
		{"lambda_call", 12.5, func(p *report.Prices) *report.Price { return &p.LambdaCall }},
		{"core", 0, func(p *report.Prices) *report.Price { return &p.Core }},
		{"memory", 0, func(p *report.Prices) *report.Price { return &p.Memory }},
	} {
		change.set(&in.Prices).Amount = change.amount
		setPrice(t, b, change.name, fmt.Sprint(change.amount))
		said := words(t, b)
		same(t, fmt.Sprintf("%s at %v", change.name, change.amount), said, words(t, show(t, in)))
		headlines[said[0]] = true
	}
	if len(headlines) < 3 {
		t.Errorf("prices make no difference to the verdict: %v", headlines)
	}

	setPrice(t, b, "core", "-1")
	if said := ask[string](t, b, `document.getElementById("said").value`); !strings.Contains(said, "no price") {
		t.Errorf("a price below nothing is taken: %q", said)
	}
	b.do(t, chromedp.Click(chromedp.CSS("button[type=reset]")))
	get(t, b, chromedp.Poll[bool](`document.getElementById("said").value === "Reckoned anew."`))
	same(t, "the prices of the run again", words(t, b), before)
	b.quiet(t)
}

// What the page hands out to be kept is the JSON and the CSV that are written beside it,
// and after a change of prices those with the new ones.
func TestWhatThePageSavesIsWhatIsWrittenBesideIt(t *testing.T) {
	b, in := shown(t)
	for _, amount := range []float64{in.Prices.Core.Amount, 0.5} {
		if in.Prices.Core.Amount != amount {
			in.Prices.Core = report.Price{Amount: amount, Source: "the reader"}
			setPrice(t, b, "core", fmt.Sprint(amount))
		}
		var text bytes.Buffer
		if err := report.WriteJSON(&text, in); err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := errors.Join(json.Unmarshal(text.Bytes(), &want), json.Unmarshal([]byte(saved(t, b, "json")), &got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("the saved JSON, core at %v: -want +got\n%s", amount, diff)
		}
		text.Reset()
		if err := report.WriteCSV(&text, in); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(table(t, text.String()), table(t, saved(t, b, "csv")), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("the saved CSV, core at %v: -want +got\n%s", amount, diff)
		}
	}
	b.quiet(t)
}

// saved is what a click on a button would have the browser write to a file.
func saved(t *testing.T, b *browser, button string) string {
	t.Helper()
	return get(t, b, chromedp.Evaluate[string](fmt.Sprintf(`(() => {
		const make = URL.createObjectURL, click = HTMLAnchorElement.prototype.click;
		let blob;
		URL.createObjectURL = (made) => make.call(URL, blob = made);
		HTMLAnchorElement.prototype.click = () => {};
		document.getElementById(%q).click();
		URL.createObjectURL = make;
		HTMLAnchorElement.prototype.click = click;
		return blob.text();
	})()`, button), chromedp.EvalAwaitPromise))
}

// table is a CSV, with numbers where there are some.
func table(t *testing.T, text string) (rows [][]any) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		var row []any
		for _, cell := range record {
			if number, err := strconv.ParseFloat(cell, 64); err == nil {
				row = append(row, number)
			} else {
				row = append(row, cell)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func same(t *testing.T, when string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d texts, want %d", when, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: the page says %q, want %q", when, got[i], want[i])
		}
	}
}

func TestThePageIsUsedWithTheKeyboard(t *testing.T) {
	b, _ := shown(t)
	seen := map[string]bool{}
	for range 200 {
		b.do(t, chromedp.KeyEvent(kb.Tab))
		focus := ask[string](t, b, `(() => { const e = document.activeElement; if (e === document.body) return ""; const o = getComputedStyle(e);
			return (e.id || e.tagName + (e.getAttribute("aria-label") || "")) + (o.outlineStyle === "none" ? " has no outline" : ""); })()`)
		if strings.HasSuffix(focus, "has no outline") {
			t.Errorf("the focus is not to be seen: %s", focus)
		}
		if focus == "" && len(seen) > 0 {
			break
		}
		seen[focus] = true
		if focus == "SUMMARY" && !ask[bool](t, b, `document.activeElement.parentElement.open`) {
			b.do(t, chromedp.KeyEvent(kb.Enter))
			if !ask[bool](t, b, `document.activeElement.parentElement.open`) {
				t.Error("the enter key opens no table")
			}
		}
		if focus == "p-core" {
			b.do(t, chromedp.KeyEvent("9"))
			if said := ask[string](t, b, `document.activeElement.value + ", " + document.getElementById("said").value`); said != "9, Reckoned anew." {
				t.Errorf("a price typed over another comes to %q", said)
			}
		}
	}
	for _, want := range []string{"SUMMARY", "p-core", "p-lambda_kept_work", "json", "csv"} {
		if !seen[want] {
			t.Errorf("the tab key never comes to %s", want)
		}
	}
	for _, fault := range ask[[]string](t, b, `[...document.querySelectorAll("svg")].filter((e) => e.getAttribute("role") !== "img" ||
		e.getAttribute("aria-labelledby").split(" ").some((id) => !document.getElementById(id) || !document.getElementById(id).textContent)).map((e) => e.outerHTML.slice(0, 80))`) {
		t.Errorf("a figure without words: %s", fault)
	}
	if twice := ask[[]string](t, b, `(() => { const ids = [...document.querySelectorAll("[id]")].map((e) => e.id); return ids.filter((id, i) => ids.indexOf(id) !== i); })()`); len(twice) > 0 {
		t.Errorf("identifiers that are there twice: %q", twice)
	}
	b.quiet(t)
}
