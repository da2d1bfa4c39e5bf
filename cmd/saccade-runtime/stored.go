package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/models/store"
	"github.com/seed45885407/saccade/models/store/address"
)

// openStore opens the model store in the cache, where the gateway's program has it too:
// the folder models.
func openStore(cache, mirror string) (*store.Store, error) {
	return store.Open(filepath.Join(cache, "models"), store.Options{
		Mirror: mirror,
		Check: func(path string) error {
			_, err := inspect.Inspect(path)
			return err
		},
	})
}

// stored is the declared function with its model as it lies in the store; nobody is
// asked for it.
func (c config) stored() (declaration, error) {
	d := declaration{}
	var err error
	if d.function, err = readDeclared(c.function); err != nil {
		return d, err
	}
	s, err := openStore(c.cache, "")
	if err != nil {
		return d, functions.Errorf(functions.Unavailable, "the model store cannot be opened").Because(err)
	}
	m := d.function.Spec.Model
	model, err := s.Find(store.Request{URI: m.URI, SHA256: m.SHA256})
	d.model, d.sum = model.Path, model.Sum
	return d, err
}

// readDeclared reads a function.yaml, the chosen variant made the model.
func readDeclared(path string) (functions.Function, error) {
	f, err := catalog.ReadFile(path)
	if err != nil {
		return f, functions.Errorf(functions.Unavailable, "the function's declaration cannot be read").Because(err)
	}
	f.Spec.Model = f.WithDefaults().Spec.Model
	return f, nil
}

// progressEvery is how often a download that goes on is told of.
const progressEvery = 2 * time.Second

// fetch brings the model of the declared function into the store, from wherever the
// declaration says; one that is there already is not asked for. However many processes
// do so at once with the same store, one downloads.
func (c config) fetch(ctx context.Context, log *slog.Logger) error {
	f, err := readDeclared(c.function)
	if err != nil {
		return err
	}
	s, err := openStore(c.cache, c.mirror)
	if err != nil {
		return functions.Errorf(functions.Unavailable, "the model store cannot be opened").Because(err)
	}
	at, err := address.Parse(f.Spec.Model.URI)
	if err != nil {
		return err // the catalog has refused such an address
	}
	req := store.Request{URI: f.Spec.Model.URI, SHA256: f.Spec.Model.SHA256}
	if at.Scheme == "" {
		// The folder that the path is in did not come along; what is in this binary did.
		folder, name, shipped := functions.ShippedModel(req.SHA256)
		if !shipped {
			return unreachable(s, req)
		}
		req.Folder, req.URI = folder, name
	}
	// at, unlike the declaration, shows no password.
	log = log.With("function", f.Metadata.Name, "model", at.String())
	began := time.Now()
	told := began
	model, err := s.Pull(ctx, req, func(done, total int64) {
		if time.Since(told) < progressEvery {
			return
		}
		told = time.Now()
		log.Info("pulling model", "bytes", done, "of", total)
	})
	if err != nil {
		return err
	}
	if model.From == "" {
		log.Info("model is in the store already", "sha256", model.Sum)
		return nil
	}
	log.Info("model pulled", "from", model.From, "bytes", model.Size, "sha256", model.Sum, "ms", time.Since(began).Milliseconds())
	if model.Pinned {
		log.Warn("function.yaml gives no sha256: the model is pinned to the one seen now", "sha256", model.Sum)
	}
	return nil
}

// unreachable is nil where the model that no address leads to from here was put into
// the store by other means.
func unreachable(s *store.Store, req store.Request) error {
	if req.SHA256 != "" {
		if _, err := s.Find(req); err == nil {
			return nil
		}
	}
	return functions.Errorf(functions.Unavailable, "the model %s lies in the function's own folder, which is not here", req.URI).
		Because(fmt.Errorf("it is not one that is in this program either"))
}
