package drift

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// maxFile bounds the file of one function: eleven profiles, of which a full one with
// names of usual length has 10 kB.
const maxFile = 4 << 20

// maxFiles bounds how many files are read.
const maxFiles = 10000

// kept is a watch as its file has it.
type kept struct {
	Version   int                        `json:"version"`
	Function  string                     `json:"function"`
	Identity  string                     `json:"identity"`
	ModelSum  string                     `json:"model_sha256,omitempty"`
	MinScore  float64                    `json:"min_score"`
	Settings  functions.Drift            `json:"settings"`
	Recorded  bool                       `json:"recorded"`
	Filled    int                        `json:"filled"`
	Reference functions.DriftReference   `json:"reference"`
	Panes     []functions.DriftReference `json:"panes"` // full ones, the oldest first, then the one that is filled
	States    []state                    `json:"states"`
}

// identityOf is what statistics are of. Thresholds are not part of it: another one
// judges the same counts anew.
func identityOf(modelSum string, minScore float64, d functions.Drift) string {
	text, err := json.Marshal([]any{modelSum, minScore, d.Reference, d.Window, d.Recorded})
	if err != nil {
		panic(err) // numbers, texts and maps of them are always encodable, but for NaN, which no rule lets in
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// wire is a profile with its classes by name.
func (w *watch) wire(p *profile) functions.DriftReference {
	r := functions.DriftReference{
		Version: functions.DriftVersion, ModelSum: w.modelSum,
		Bins: map[string][]uint32{}, Classes: map[string]uint32{},
	}
	for s, signal := range signals {
		r.Bins[signal.name] = append([]uint32(nil), p.bins[s][:signal.bins]...)
	}
	for c, name := range w.names {
		if p.classes[c] > 0 {
			r.Classes[name] = p.classes[c]
		}
	}
	return r
}

// read is the profile that r was written from, which has been checked.
func (w *watch) read(r functions.DriftReference) (p profile) {
	for s, signal := range signals {
		copy(p.bins[s][:], r.Bins[signal.name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Classes)) { // so that places are the same each time
		p.classes[w.place(name)] += r.Classes[name]
	}
	return p
}

// write is the watch as a file, nil where nothing has changed since.
func (w *watch) write() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty {
		return nil, nil
	}
	k := kept{
		Version: functions.DriftVersion, Function: w.function, Identity: w.identity, ModelSum: w.modelSum,
		MinScore: w.minScore, Settings: w.settings, Recorded: w.recorded, Filled: w.filled,
		Reference: w.wire(&w.reference), States: w.states[:],
	}
	for i := range w.full + 1 {
		k.Panes = append(k.Panes, w.wire(&w.ring[(w.at-w.full+i+panes)%panes]))
	}
	text, err := json.Marshal(k)
	if err == nil {
		w.dirty = false
	}
	return text, err
}

// watchOf is the watch that a file has.
func watchOf(text []byte) (*watch, error) {
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	w := &watch{function: k.Function}
	w.begin(k.Identity, k.ModelSum)
	w.minScore, w.settings = k.MinScore, k.Settings
	switch {
	case k.Version != functions.DriftVersion:
		return nil, fmt.Errorf("version %d is not read", k.Version)
	case k.Identity == "" || len(k.Panes) == 0 || len(k.Panes) > panes || len(k.States) != len(w.states):
		return nil, errors.New("the parts do not fit together")
	case k.Filled < 0 || k.Settings.Window <= 0 || k.Settings.Reference <= 0:
		return nil, errors.New("a number is out of range")
	}
	for _, r := range append([]functions.DriftReference{k.Reference}, k.Panes...) {
		if err := r.Check(); err != nil {
			return nil, err
		}
	}
	w.reference, w.recorded, w.filled = w.read(k.Reference), k.Recorded, k.Filled
	for i, r := range k.Panes {
		w.ring[i] = w.read(r)
	}
	w.full = len(k.Panes) - 1
	w.at = w.full
	copy(w.states[:], k.States)
	w.dirty = false
	return w, nil
}

const extension = ".json"

// load reads what is kept. A file that cannot be read begins anew.
func (r *Room) load() {
	if r.opts.Dir == "" {
		return
	}
	entries, err := os.ReadDir(r.opts.Dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.opts.Report(fmt.Errorf("reading statistics: %w", err))
		}
		return
	}
	for _, entry := range entries[:min(len(entries), maxFiles)] {
		function, is := strings.CutSuffix(entry.Name(), extension)
		if !is || strings.HasPrefix(function, ".") {
			continue
		}
		w, err := loadFile(filepath.Join(r.opts.Dir, entry.Name()))
		if err == nil && w.function != function {
			err = fmt.Errorf("it is of function %.64q", w.function)
		}
		if err != nil {
			r.opts.Report(fmt.Errorf("reading the statistics of function %q, which begin anew: %w", function, err))
			continue
		}
		r.watches[function] = w
	}
}

func loadFile(file string) (*watch, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return watchOf(text)
}

// Save writes what has changed, each file whole or not at all.
func (r *Room) Save() error {
	if r == nil || r.opts.Dir == "" {
		return nil
	}
	var errs []error
	for _, w := range r.all() {
		text, err := w.write()
		if err == nil && text != nil {
			err = replace(r.opts.Dir, w.function+extension, text)
		}
		if err != nil {
			w.mu.Lock()
			w.dirty = true
			w.mu.Unlock()
			errs = append(errs, fmt.Errorf("keeping the statistics of function %q: %w", w.function, err))
		}
	}
	return errors.Join(errs...)
}

// replace puts a file in the place of the one before.
func replace(dir, name string, text []byte) error {
	if !filepath.IsLocal(name) || strings.ContainsRune(name, filepath.Separator) {
		return fmt.Errorf("%q is no name of a file", name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, ".drift-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) // not there any more where all went well
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), filepath.Join(dir, name))
}
