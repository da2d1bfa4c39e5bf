package openapi

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What schemathesis is not to look for.
var excluded = strings.Join([]string{
	"positive_data_acceptance", // a text that is a string, and no time, cursor or event's type, is refused
	"negative_data_rejection",  // header fields of binary mode are passed over in the other modes
	"use_after_free",           // a job that was cancelled stays to be read
}, ",")

// statuses are those that are no fault of the gateway's: 502, 503 and 504 are of the hosts of
// pictures, and of functions without a model.
const statuses = `checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]
`

// Schemathesis makes requests of the description by itself, right ones and wrong ones,
// and looks whether each answer is one that is described. It is not a part of the
// ordinary tests: ./task judge:openapi runs it.
func TestSchemathesisFindsNothing(t *testing.T) {
	spend := os.Getenv("SACCADE_JUDGE_SECONDS")
	if spend == "" {
		t.Skip("a slow judge; ./task judge:openapi asks it")
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--target", filepath.Join(dir, "lib"), "schemathesis==4.32.5")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("schemathesis cannot be had: %v: %s", err, out)
	}
	w := newWorld(t)
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("schemathesis.toml", []byte(statuses))
	write("openapi.json", w.forJudge(t))
	judge := exec.CommandContext(t.Context(), "python3", "-m", "schemathesis.cli", "run", "openapi.json", "--url", w.url, "--exclude-checks", excluded,
		"--max-time", spend, "--seed", "1", "--continue-on-failure", "--no-color", "--request-timeout", "60", "--warnings", "off",
		"-H", "X-API-Key: "+w.keys["owner"],
		// A stream ends with its job, which may be retried for a day.
		"--exclude-operation-id", "followJob")
	judge.Dir = dir
	judge.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(dir, "lib"), "PYTHONDONTWRITEBYTECODE=1")
	out, err := judge.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	sent := regexp.MustCompile(`(\d+) generated`).FindStringSubmatch(string(out))
	if len(sent) == 0 {
		t.Fatalf("it does not say how much it sent:\n%s", out)
	}
	t.Logf("schemathesis made %s requests", sent[1])
	w.stop()
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "level=ERROR msg=request") { // not of a function without a model
			t.Errorf("a fault of ours: %s", line)
		}
	}
}

// forJudge is the description without what OpenAPI cannot say: that an answer has a
// body sometimes.
func (w *world) forJudge(t *testing.T) []byte {
	t.Helper()
	resp, err := http.Get(w.url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	d := readDocument(t, text)
	accepted := d.resolve(map[string]any{"$ref": "#/components/responses/EventAccepted"}).(map[string]any)
	delete(accepted, "content")
	if text, err = json.Marshal(d.root); err != nil {
		t.Fatal(err)
	}
	return text
}
