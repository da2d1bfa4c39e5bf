package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/samples"
)

// demoWindow is the demo's idle time, the shortest that Knative's autoscaler has.
const demoWindow = 6 * time.Second

// demoCommand is saccade demo.
func demoCommand(cfg *config.Saccade) *cobra.Command {
	var out, function string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a function wake from zero, find objects, and go back to sleep",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change := func(f *functions.Function) { f.Spec.Scaling.Window = functions.Duration(demoWindow) }
			d := demo{w: cmd.OutOrStdout(), out: out, function: function, color: colors(cmd)}
			return withOwn(cmd.Context(), *cfg, quiet(cmd), change, d.run)
		},
	}
	platformFlags(cmd, cfg)
	cmd.Flags().StringVar(&out, "out", filepath.Join("out", "demo"), "`folder` for the pictures with boxes drawn")
	cmd.Flags().StringVarP(&function, "function", "f", defaultFunction, "the function to show")
	return cmd
}

// demo shows one function's day in half a minute.
type demo struct {
	w        io.Writer
	out      string
	function string
	color    bool
	client   *client.Client
}

// run is the story.
func (d demo) run(ctx context.Context, c *client.Client, _ *stack) error {
	d.client = c
	pictures, err := d.unpack()
	if err != nil {
		return err
	}
	d.say("The gateway is up. No instance of %s runs:", d.function)
	if err := d.list(ctx); err != nil {
		return err
	}
	d.say("\nThree pictures go to the function at zero. The first one wakes it:")
	if err := d.detect(ctx, pictures, d.out); err != nil {
		return err
	}
	d.say("\nThe same three again, warm:")
	if err := d.detect(ctx, pictures, ""); err != nil {
		return err
	}
	d.say("\nThe pictures with their boxes are in %s. The function is awake:", d.out)
	if err := d.list(ctx); err != nil {
		return err
	}
	d.say("\nNobody asks for %v, the demo's idle time ...", demoWindow)
	if err := untilZero(ctx, c, d.function, func(idle time.Duration) {
		fmt.Fprintf(d.w, "  %2.0f s idle\n", idle.Seconds())
	}); err != nil {
		return err
	}
	d.say("\n... and it sleeps again:")
	return d.list(ctx)
}

func (d demo) say(format string, args ...any) { fmt.Fprintf(d.w, format+"\n", args...) }

func (d demo) list(ctx context.Context) error {
	f, err := d.client.Function(ctx, d.function)
	if err != nil {
		return err
	}
	return render.Functions(d.w, []functions.FunctionStatus{f}, render.Options{Color: d.color})
}

// detect asks about one picture after the other.
func (d demo) detect(ctx context.Context, pictures []string, drawTo string) error {
	o := detectOptions{function: d.function, drawTo: drawTo, output: render.Options{Color: d.color}}
	printer, drawn := render.New(d.w, o.output), &drawnNames{dir: drawTo}
	for _, picture := range pictures {
		r := ask(ctx, d.client, nil, picture, drawn.name(picture), o)
		r.Input = filepath.Base(picture)
		if err := printer.Result(r); err != nil {
			return err
		}
		if r.Err != nil {
			return errSaid
		}
	}
	return printer.Close()
}

// unpack writes the sample photographs beside the drawings to come, so that they
// go the way of anybody's pictures: from files.
func (d demo) unpack() ([]string, error) {
	dir := filepath.Join(d.out, "pictures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder for pictures: %w", err)
	}
	entries, err := samples.Pictures.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		content, err := samples.Pictures.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, entry.Name())
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, fmt.Errorf("writing a sample picture: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// untilZero waits until the function has no instance, telling now and then for
// how long it has waited.
func untilZero(ctx context.Context, c *client.Client, function string, tell func(idle time.Duration)) error {
	began, told := time.Now(), time.Now()
	for {
		f, err := c.Function(ctx, function)
		if err != nil || f.State == "zero" {
			return err
		}
		if time.Since(told) >= 2*time.Second {
			told = time.Now()
			tell(time.Since(began))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
