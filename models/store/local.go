package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed45885407/saccade/models/store/address"
)

// pullLocal copies a model that lies on this machine: in the function's folder,
// or at a file: address. It is copied rather than used where it is, because a
// folder may change under a running instance. A local file is looked at each
// time, so that a changed one is noticed.
//
// A file: address without a declared sum is pinned as a far one is. A path in the
// function's folder is not: model and function.yaml belong to the same hands, and
// a new model there is a new revision of the function.
func (s *Store) pullLocal(ctx context.Context, req Request, at address.Address, progress func(done, total int64)) (Model, error) {
	source, name := folderSource{req.Folder}, at.Path
	if at.Scheme == "file" {
		source, name = folderSource{os.DirFS("/")}, strings.TrimPrefix(at.Path, "/")
	} else if req.Folder == nil {
		return Model{}, unavailable(errors.New("no folder to resolve a path in"), "there is no model file %s", at.Place())
	}
	sum, err := s.sumOf(ctx, source, name)
	if err != nil {
		return Model{}, err
	}
	pinning := at.Scheme == "file" && req.SHA256 == ""
	want := req.SHA256
	if pinning {
		if want, err = s.pinned(at.String()); err != nil {
			return Model{}, err
		}
	}
	if want != "" && sum != want {
		return Model{}, s.refusal(req, at, &wrongSum{at.Place(), at.String(), want, sum})
	}
	model, ok := s.kept(sum)
	if !ok {
		o := origin{source: source, uri: name, shown: at.String(), place: at.Place(), key: sum}
		model, err = s.share(ctx, sum, progress, func(ctx context.Context, m *meter) (Model, error) {
			return s.take(ctx, o, sum, m)
		})
	}
	if err == nil && pinning && want == "" {
		model.Pinned, err = s.pin(ctx, at, sum)
	}
	return model, err
}

// take copies the local file of o, whose sum is known, into the store.
func (s *Store) take(ctx context.Context, o origin, sum string, m *meter) (Model, error) {
	unlock, err := s.lock(ctx, o.key, m)
	if err != nil {
		return Model{}, err
	}
	defer unlock()
	if model, ok := s.kept(sum); ok {
		return model, nil
	}
	model, err := s.get(ctx, o, sum, m)
	if wrong, ok := errors.AsType[*wrongSum](err); ok {
		return Model{}, unavailable(wrong, "the model file %s changed while it was read", o.place)
	}
	return model, err
}

// sumOf is the SHA-256 of a local file, from memory where that very file was
// summed before.
func (s *Store) sumOf(ctx context.Context, source folderSource, name string) (string, error) {
	file, info, err := source.open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info.Size() > s.opts.MaxBytes {
		return "", s.tooLarge(origin{shown: name, place: info.Name()})
	}
	id := s.identify(file)
	if sum := s.seen()[id]; id != "" && sumPattern.MatchString(sum) {
		return sum, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(untilDone{ctx, file}, s.opts.MaxBytes)); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("pulling model: %w", ctx.Err())
		}
		return "", unreadable(name, err)
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	if id != "" && s.identify(file) == id {
		s.remember(id, digest)
	}
	return digest, nil
}

// untilDone reads until ctx ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}
