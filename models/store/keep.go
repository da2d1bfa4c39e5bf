package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// record is written when a model has landed.
type record struct {
	Size int64 `json:"size"`
}

func (s *Store) modelPath(sum string) string {
	return filepath.Join(s.root, "sha256", sum+".onnx")
}

func (s *Store) recordPath(sum string) string {
	return filepath.Join(s.root, "sha256", sum+".json")
}

// kept returns the model of that sum if it is in the store.
//
// A model is summed when it lands, synced, made read-only and never written
// again, so at every start it is enough to look that it has the size it had: that
// finds what a full disk or a stray tool does to files, at the cost of a stat. A
// model without a record, or of another size, is summed again, and removed where
// it is not what its name says.
func (s *Store) kept(sum string) (Model, bool) {
	info, err := os.Lstat(s.modelPath(sum))
	if err != nil || !info.Mode().IsRegular() {
		return Model{}, false
	}
	model := Model{Path: s.modelPath(sum), Sum: sum, Size: info.Size()}
	var r record
	text, err := os.ReadFile(s.recordPath(sum))
	if err == nil && json.Unmarshal(text, &r) == nil && r.Size == info.Size() && r.Size > 0 {
		return model, true
	}
	if got, err := sumFile(model.Path); err != nil || got != sum {
		// What is no longer the model is removed, that it can be fetched again.
		_ = errors.Join(os.Remove(model.Path), removeIfThere(s.recordPath(sum)))
		return Model{}, false
	}
	// Without its record the model is as good, only slower to find.
	_ = s.record(model)
	return model, true
}

func sumFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// keep lands p as the model of that sum. The order matters: bytes on the disk,
// then the name, then the name on the disk; a crash in between leaves a partial.
func (s *Store) keep(p *partial, sum string) (Model, error) {
	model := Model{Path: s.modelPath(sum), Sum: sum, Size: p.size}
	if err := errors.Join(p.file.Sync(), p.file.Chmod(0o444), p.file.Close()); err != nil {
		return Model{}, err
	}
	if err := os.Rename(p.path, model.Path); err != nil {
		return Model{}, err
	}
	if err := errors.Join(removeIfThere(markPath(p.path)), syncDir(filepath.Dir(model.Path))); err != nil {
		return Model{}, err
	}
	return model, s.record(model)
}

func (s *Store) record(m Model) error {
	text, err := json.Marshal(record{m.Size})
	if err != nil {
		return err
	}
	return writeAtomic(s.recordPath(m.Sum), text, 0o644)
}
