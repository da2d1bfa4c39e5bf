package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func written(t testing.TB, in Input) string {
	t.Helper()
	var text strings.Builder
	if err := Write(&text, in); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// elements counts a page's elements by name.
func elements(t testing.TB, page string) map[string]int {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			all[node.Data]++
		}
	}
	return all
}

func TestThePageNeedsNothingButItself(t *testing.T) {
	page := written(t, small())
	if again := written(t, small()); again != page {
		t.Error("the same input comes to another page")
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		for _, a := range node.Attr {
			if (a.Key == "src" || a.Key == "href" || a.Key == "srcset" || a.Key == "action") && a.Val != "data:," {
				t.Errorf("%s has %s=%q", node.Data, a.Key, a.Val)
			}
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has %s, which the page's policy forbids", node.Data, a.Key)
			}
		}
	}
	for _, word := range []string{"@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "eval("} {
		if strings.Contains(page, word) {
			t.Errorf("the page has %s", word)
		}
	}
	data := regexp.MustCompile(`(?s)<script id="data".*?</script>`).FindString(page)
	if bytes := len(page) - len(data); data == "" || bytes > 400_000 {
		t.Errorf("without its data the page has %d bytes", bytes)
	}
}

// What is in the page is what its policy lets in, to the byte.
func TestThePolicyIsThatOfThePage(t *testing.T) {
	page := written(t, small())
	for name, pattern := range map[string]string{"style-src": `(?s)<style>(.*?)</style>`, "script-src": `(?s)</script>\s*<script>(.*?)</script>`} {
		found := regexp.MustCompile(pattern).FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("there is nothing for %s", name)
		}
		want := strings.ReplaceAll(name+" "+hash(found[1]), "'", "&#39;")
		if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
			t.Errorf("the policy does not say %s", want)
		}
	}
	if !strings.Contains(page, "default-src &#39;none&#39;") {
		t.Error("the policy lets in what it does not name")
	}
}

func TestThePagesDataIsTheJSON(t *testing.T) {
	page := written(t, small())
	data := regexp.MustCompile(`(?s)<script id="data" type="application/json">(.*?)</script>`).FindStringSubmatch(page)
	if data == nil {
		t.Fatal("there is no data")
	}
	var text bytes.Buffer
	if err := WriteJSON(&text, small()); err != nil {
		t.Fatal(err)
	}
	var inPage, beside any
	if err := errors.Join(json.Unmarshal([]byte(data[1]), &inPage), json.Unmarshal(text.Bytes(), &beside)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(beside, inPage); diff != "" {
		t.Errorf("-JSON +page\n%s", diff)
	}
	var again Input
	if err := json.Unmarshal(text.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small().withUsage(), again); diff != "" {
		t.Errorf("the input does not come back, -want +got\n%s", diff)
	}
}

func TestTheCSVHasALineForEachStyle(t *testing.T) {
	var text strings.Builder
	if err := WriteCSV(&text, small()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for n, want := range []map[string]string{
		{"trace": "rush hour", "name": "lambda", "label": "Lambda", "result.requests": "100", "result.refused": "0", "result.latency.p99": "1.099", "usage.tariff": "requests", "cost.per_million": "6"},
		{"trace": "rush hour", "name": "startup-aware", "result.cold": "1", "usage.idle": "3200", "cost.total": "1", "currency": "USD"},
	} {
		got := map[string]string{}
		for i, column := range rows[0] {
			if _, asked := want[column]; asked {
				got[column] = rows[n+1][i]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("row %d, -want +got\n%s", n+1, diff)
		}
	}
}

func TestEveryFigureIsAPictureInBothForms(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFolder(dir, small()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "figures", "*.svg"))
	if err != nil || len(names) != 8 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var box struct {
			Width  float64 `xml:"width,attr"`
			Height float64 `xml:"height,attr"`
			Desc   string  `xml:"desc"`
			Title  string  `xml:"title"`
		}
		if err := xml.Unmarshal(text, &box); err != nil || box.Desc == "" || box.Title == "" {
			t.Errorf("%s: %+v, %v", name, box, err)
		}
		if strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Inf") {
			t.Errorf("%s: a place that is no number", name)
		}
		file, err := os.Open(strings.TrimSuffix(name, "svg") + "png")
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		if size := picture.Bounds().Size(); float64(size.X) < 2*box.Width || float64(size.X) > 2*box.Width+2 || float64(size.Y) < 2*box.Height {
			t.Errorf("%s is %v by %v, its picture %v", name, box.Width, box.Height, size)
		}
		inked := map[color.Color]bool{}
		for at := 0; at < picture.Bounds().Dx()*picture.Bounds().Dy() && len(inked) < 10; at++ {
			inked[picture.At(at%picture.Bounds().Dx(), at/picture.Bounds().Dx())] = true
		}
		if len(inked) < 10 {
			t.Errorf("%s: nothing is drawn", name)
		}
	}
}

// Names are a stranger's: a trace may be called after a file.
func FuzzNamesStayNames(f *testing.F) {
	want := elements(f, written(f, small()))
	for _, seed := range []string{"rush hour", `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "<!--", "]]>", "{style}", "\x00\xff", "日本"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		in := small()
		in.Function, in.Traces[0].Name, in.Traces[0].Styles[0].Label = name, name, other
		in.Traces[0].Styles[1].Name, in.Sweep[0].Styles[1].Name = other, other
		in.Traces[0].Styles[0].Phases[0].Name = name
		in.Knobs[0].Variants[1].Knob, in.Knobs[0].Variants[1].Value = name, other
		in.Validation[0].Measure, in.Validation[0].Unit = name, other
		in.Origin.Command, in.Origin.Machine, in.Origin.Version, in.Origin.Notes = name, other, name, []string{other}
		in.Prices.Core.Source, in.Prices.GPU.Dated = name, other
		in.Sweep = in.Sweep[:1]
		in.Subject = other
		if in.Check() != nil {
			return
		}
		got := elements(t, written(t, in))
		for _, element := range []string{"script", "style", "img", "iframe", "link", "meta", "a", "form", "input", "object", "base"} {
			if got[element] != want[element] {
				t.Errorf("a name makes %d %s of %d", got[element], element, want[element])
			}
		}
		if err := WriteCSV(io.Discard, in); err != nil {
			t.Error(err)
		}
	})
}
