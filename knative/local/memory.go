package local

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed45885407/saccade/knative/scaling"
)

const (
	// rememberEvery is how often what was measured is written down, where there is
	// anything new.
	rememberEvery = time.Minute
	// mostMemoryBytes bounds one file, mostMemories their number. A full histogram of
	// idle times has 5 kB.
	mostMemoryBytes = 64 << 10
	mostMemories    = 1000
)

// memories are the files in which policies keep what they measured, one for each
// function with its model. The empty memories keep nothing.
type memories struct{ dir string }

// memory is one file.
type memory struct {
	Function string         `json:"function"`
	ModelSum string         `json:"model_sha256"`
	Measured scaling.Memory `json:"measured"`
}

func (m memories) path(function, sum string) string {
	return filepath.Join(m.dir, fmt.Sprintf("%.16x.json", sha256.Sum256([]byte(function+"\n"+sum))))
}

// load is what was kept for the function with that model. An error says that there is
// nothing, or nothing to be trusted.
func (m memories) load(function, sum string) (scaling.Memory, error) {
	var none scaling.Memory
	if m.dir == "" {
		return none, fs.ErrNotExist
	}
	f, err := os.Open(m.path(function, sum))
	if err != nil {
		return none, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostMemoryBytes+1))
	if err != nil {
		return none, err
	}
	return readMemory(text, function, sum)
}

func readMemory(text []byte, function, sum string) (scaling.Memory, error) {
	var kept memory
	if len(text) > mostMemoryBytes {
		return kept.Measured, fmt.Errorf("%d bytes are too many", len(text))
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return scaling.Memory{}, err
	}
	if kept.Function != function || kept.ModelSum != sum {
		return scaling.Memory{}, fmt.Errorf("it is of function %.64q and model %.64q", kept.Function, kept.ModelSum)
	}
	return kept.Measured, nil
}

// save keeps what was measured: the file is there whole or as it was.
func (m memories) save(function, sum string, measured scaling.Memory) error {
	if m.dir == "" {
		return nil
	}
	text, err := json.Marshal(memory{function, sum, measured})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(m.dir, ".memory-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), m.path(function, sum)); err != nil {
		return err
	}
	return m.prune()
}

// prune removes the files that were not written for longest where there are too many.
func (m memories) prune() error {
	files, err := os.ReadDir(m.dir)
	if err != nil || len(files) <= mostMemories {
		return err
	}
	written := map[string]time.Time{}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			written[f.Name()] = info.ModTime()
		}
	}
	slices.SortFunc(files, func(a, b fs.DirEntry) int {
		return cmp.Or(written[a.Name()].Compare(written[b.Name()]), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files[:len(files)-mostMemories] {
		err = errors.Join(err, os.Remove(filepath.Join(m.dir, f.Name())))
	}
	return err
}

// recall gives the policy what an earlier platform measured with this model, and says
// whether there was anything. What cannot be trusted is as good as nothing. Call with
// mu held, once, with the model.
func (r *revision) recall() bool {
	learner, ok := r.policy.(scaling.Learner)
	if !ok {
		return false
	}
	measured, err := r.platform.memories.load(r.Function.Metadata.Name, r.model.Sum)
	if err == nil {
		err = learner.Recall(measured)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.platform.opts.Log.Warn("what was measured of the function is not usable, it is measured anew", "revision", r.Name, "error", err)
	}
	return err == nil
}

// remember keeps what the policy has measured where that is anything new.
func (r *revision) remember() {
	r.mu.Lock()
	learner, ok := r.policy.(scaling.Learner)
	if !ok || !r.news || r.model == nil {
		r.mu.Unlock()
		return
	}
	measured, sum := learner.Remember(), r.model.Sum
	r.news = false
	r.mu.Unlock()
	if err := r.platform.memories.save(r.Function.Metadata.Name, sum, measured); err != nil {
		r.platform.opts.Log.Warn("what was measured of the function cannot be kept", "revision", r.Name, "error", err)
	}
}
