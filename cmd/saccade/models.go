package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/local"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/models/store"
	"github.com/seed45885407/saccade/models/store/address"
)

// models gets model files and says what they are.
type models struct {
	store *store.Store
	log   *slog.Logger
}

// progressEvery is how often a download that goes on is told of.
const progressEvery = 2 * time.Second

func newModels(cfg config.Saccade, log *slog.Logger) (*models, error) {
	s, err := store.Open(filepath.Join(cfg.Cache, "models"), store.Options{
		Mirror: cfg.ModelMirror,
		Check: func(path string) error {
			_, err := inspect.Inspect(path)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return &models{store: s, log: log}, nil
}

// pull gets the model of a catalog entry and refuses one that cannot be served,
// before an instance is started for it.
func (m *models) pull(ctx context.Context, entry catalog.Entry) (local.Model, error) {
	model, recognised, err := m.get(ctx, entry.Function, entry.Folder)
	if err != nil {
		return local.Model{}, fmt.Errorf("pulling the model of %s: %w", entry.Path, err)
	}
	return local.Model{Path: model.Path, Sum: model.Sum, Family: recognised.Family}, nil
}

func (m *models) get(ctx context.Context, f functions.Function, folder fs.FS) (store.Model, inspect.Recognised, error) {
	var recognised inspect.Recognised
	uri := f.Spec.Model.URI
	at, err := address.Parse(uri)
	if err != nil {
		return store.Model{}, recognised, err
	}
	// at, unlike uri, shows no password.
	log := m.log.With("function", f.Metadata.Name, "model", at.String())
	told := time.Now()
	model, err := m.store.Pull(ctx, store.Request{URI: uri, SHA256: f.Spec.Model.SHA256, Folder: folder},
		func(done, total int64) {
			if time.Since(told) < progressEvery {
				return
			}
			told = time.Now()
			log.Info("pulling model", "bytes", done, "of", total)
		})
	if err != nil {
		return model, recognised, err
	}
	if model.From != "" {
		log.Info("model pulled", "from", model.From, "bytes", model.Size, "sha256", model.Sum)
	}
	if model.Pinned {
		log.Warn("function.yaml gives no sha256: the model is pinned to the one seen now", "sha256", model.Sum)
	}
	file, err := inspect.Inspect(model.Path)
	if err != nil {
		return model, recognised, err
	}
	recognised, err = inspect.Recognise(file, f)
	return model, recognised, err
}
