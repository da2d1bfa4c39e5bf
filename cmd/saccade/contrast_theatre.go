package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/samples"
)

// theatre brings platforms up, one after the other, each as if there had been none before.
type theatre struct {
	cfg      config.Saccade
	options  contrastOptions
	log      *slog.Logger
	dir      string // for the time of the command
	pictures [][]byte
	memory   instanceMemory
}

// bounds that the replays have no use for: the simulation's requests wait as long as it takes.
const (
	stageWaiting = 20_000
	stageBytes   = 2 << 30
)

func (t *theatre) open(cmd *cobra.Command, cfg config.Saccade, o contrastOptions) (err error) {
	t.options, t.log = o, quiet(cmd)
	if t.pictures, err = samplePhotographs(); err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "saccade-contrast-"); err != nil {
		return fmt.Errorf("making a folder for the replays: %w", err)
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := t.ownCache(&cfg); err != nil {
		return err
	}
	if o.loadTime > 0 {
		if err := t.slowRuntime(&cfg); err != nil {
			return err
		}
	}
	cfg.MaxWaiting, cfg.MaxWaitingAll, cfg.MaxDelay = stageWaiting, stageWaiting, time.Hour
	cfg.MaxWaitingBytes, cfg.MaxWaitingBytesOf = stageBytes, stageBytes
	cfg.Answers = config.Answers{}
	t.cfg = cfg
	return nil
}

// elsewhere is for what is played on a platform that is up.
func (t *theatre) elsewhere(cfg config.Saccade, o contrastOptions) (err error) {
	t.options, t.cfg = o, cfg
	t.pictures, err = samplePhotographs()
	return err
}

func (t *theatre) close() { os.RemoveAll(t.dir) }

// ownCache has models and graphs of the user's cache, and nothing of what policies measured
// earlier: each replay begins as a stranger, like the simulation.
func (t *theatre) ownCache(cfg *config.Saccade) error {
	own := filepath.Join(t.dir, "cache")
	if err := os.Mkdir(own, 0o755); err != nil {
		return fmt.Errorf("making a cache for the replays: %w", err)
	}
	at, err := filepath.Abs(cfg.Cache)
	if err != nil {
		return fmt.Errorf("finding the cache: %w", err)
	}
	for _, name := range []string{"models", "graphs"} {
		err := errors.Join(os.MkdirAll(filepath.Join(at, name), 0o755), os.Symlink(filepath.Join(at, name), filepath.Join(own, name)))
		if err != nil {
			return fmt.Errorf("making a cache for the replays: %w", err)
		}
	}
	cfg.Cache = own
	return nil
}

// slowRuntime is a runtime that waits before it begins. The instance's clock runs from
// the platform's decision, so the wait is part of its start.
func (t *theatre) slowRuntime(cfg *config.Saccade) error {
	program, err := findRuntime(cfg.Runtime)
	if err != nil {
		return err
	}
	// The sleeper gets none of the instance's files: it would keep them open where the
	// instance is ended meanwhile.
	script := fmt.Sprintf("#!/bin/sh\nsleep %.3f </dev/null >/dev/null 2>&1 3<&- 4<&-\nexec %s \"$@\"\n",
		t.options.loadTime.Seconds(), quoted(program))
	cfg.Runtime = filepath.Join(t.dir, runtimeName)
	if err := os.WriteFile(cfg.Runtime, []byte(script), 0o755); err != nil {
		return fmt.Errorf("writing the slow runtime: %w", err)
	}
	return nil
}

// quoted is text as a word of the shell's.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// own is the function as its folder has it.
func (t *theatre) own() (functions.Function, error) {
	entries, broken := catalog.New(functions.Shipped, t.cfg.Functions...).Load()
	for _, entry := range entries {
		if entry.Function.Metadata.Name == t.options.function {
			return entry.Function, nil
		}
	}
	for _, b := range broken {
		if b.Name == t.options.function {
			return functions.Function{}, b
		}
	}
	return functions.Function{}, functions.Errorf(functions.NotFound, "there is no function %q", t.options.function)
}

// opener brings up platforms with the function in a style.
func (t *theatre) opener(style string) replay.Opener {
	return func(ctx context.Context, kept int, use func(context.Context, replay.Stage) error) error {
		if err := os.RemoveAll(filepath.Join(t.cfg.Cache, "measured")); err != nil {
			return fmt.Errorf("forgetting what was measured: %w", err)
		}
		change := func(f *functions.Function) {
			if f.Metadata.Name != t.options.function {
				return
			}
			changed, err := styled(*f, style, t.options)
			if err != nil {
				return // the flags were checked
			}
			changed.Spec.Scaling = keeping(t.options.compressed(changed.Spec.Scaling), kept)
			*f = changed
		}
		return withOwn(ctx, t.cfg, t.log, change, func(ctx context.Context, c *client.Client, s *stack) error {
			stage, err := t.stage(ctx, c, s)
			if err != nil {
				return err
			}
			return use(ctx, stage)
		})
	}
}

// deployWithin is how long a platform that is up may take to know the function.
const deployWithin = 30 * time.Second

func (t *theatre) stage(ctx context.Context, c *client.Client, s *stack) (replay.Stage, error) {
	stage := replay.Stage{Function: t.options.function, Platform: s.platform, Processes: t.processes}
	for began := time.Now(); ; {
		for _, f := range s.platform.Functions() {
			if f.Name == stage.Function {
				stage.Deployed = time.Now()
			}
		}
		if !stage.Deployed.IsZero() {
			break
		}
		if time.Since(began) > deployWithin {
			return stage, functions.Errorf(functions.NotFound, "the platform does not know function %q", stage.Function)
		}
		select {
		case <-ctx.Done():
			return stage, context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	stage.Send = t.sender(c, stage.Function)
	return stage, nil
}

// sender asks a gateway's function about the sample pictures in turn.
func (t *theatre) sender(c *client.Client, function string) func(context.Context, int) (functions.Reply, error) {
	return func(ctx context.Context, number int) (functions.Reply, error) {
		picture := t.pictures[number%len(t.pictures)]
		// No two ask the same, else one answer might serve both; what is found does not depend on it.
		score := functions.DefaultMinScore + float64(number%1_000_000)*1e-9
		return c.Detect(ctx, function, client.Source{Data: picture}, functions.Parameters{MinScore: &score})
	}
}

func (t *theatre) processes() replay.Processes {
	p := replay.Children()
	t.memory.saw(p)
	return p
}

func samplePhotographs() (all [][]byte, err error) {
	names, err := fs.Glob(samples.Pictures, "*")
	if err != nil {
		return nil, fmt.Errorf("finding the sample pictures: %w", err)
	}
	for _, name := range names {
		picture, err := samples.Pictures.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading a sample picture: %w", err)
		}
		all = append(all, picture)
	}
	return all, nil
}
