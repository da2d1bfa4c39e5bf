package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/local"
)

// watchEvery is how often the function folders are looked at.
const watchEvery = 2 * time.Second

// deployer keeps the platform at what the catalog says.
type deployer struct {
	catalog  *catalog.Catalog
	platform *local.Platform
	models   *models
	change   func(*functions.Function)
	log      *slog.Logger

	seen map[string]string // digest by function, of what was deployed or refused last
}

// watch repeats sync until ctx ends.
func (d *deployer) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.sync(ctx)
		}
	}
}

// sync deploys what is new or changed and removes what is gone. A function whose
// folder is broken stays as it was.
func (d *deployer) sync(ctx context.Context) {
	if d.seen == nil {
		d.seen = map[string]string{}
	}
	entries, broken := d.catalog.Load()
	there := map[string]bool{}
	for _, b := range broken {
		there[b.Name] = true
		if text := "broken: " + b.Error(); d.seen[b.Path] != text {
			d.seen[b.Path] = text
			d.log.Error("function cannot be read, what was deployed serves on", "path", b.Path, "error", b.Err)
		}
		there[b.Path] = true
	}
	var group sync.WaitGroup
	for _, entry := range entries {
		name := entry.Function.Metadata.Name
		there[name] = true
		if d.seen[name] == entry.Digest {
			continue
		}
		d.seen[name] = entry.Digest
		group.Go(func() { d.deploy(ctx, entry) })
	}
	group.Wait()
	for name := range d.seen {
		if !there[name] {
			delete(d.seen, name)
			d.platform.Remove(name)
		}
	}
}

func (d *deployer) deploy(ctx context.Context, entry catalog.Entry) {
	f := entry.Function
	if d.change != nil {
		d.change(&f)
	}
	err := d.platform.Deploy(ctx, local.Deployment{
		Function: f,
		Pull:     func(ctx context.Context) (local.Model, error) { return d.models.pull(ctx, entry) },
	})
	if err != nil && ctx.Err() == nil {
		d.log.Error("deployment failed", "function", f.Metadata.Name, "path", entry.Path, "error", err)
	}
}
