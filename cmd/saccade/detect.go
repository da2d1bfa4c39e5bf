package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
)

// defaultFunction is the function whose model is inside this program.
const defaultFunction = "centernet"

// inFlight is how many pictures are asked about at a time.
const inFlight = 4

// detectOptions are the flags of saccade detect.
type detectOptions struct {
	function string
	params   functions.Parameters
	drawTo   string
	output   render.Options
}

// detectCommand is saccade detect.
func detectCommand(cfg *config.Saccade) *cobra.Command {
	var o detectOptions
	var minScore float64
	var format, gateway string
	cmd := &cobra.Command{
		Use:   "detect PICTURE...",
		Short: "Find objects in pictures: files, http(s) URLs, or - for standard input",
		Long: "Detect asks the gateway that is named by --gateway or " + config.EnvGateway + ", else the one at\n" +
			config.DefaultListen + ". Where none of these is named and none runs, it brings the platform up for this call.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, pictures []string) (err error) {
			if o.output.Format, err = render.ParseFormat(format); err != nil {
				return err
			}
			if cmd.Flags().Changed("min-score") {
				if !(minScore >= 0 && minScore <= 1) {
					return fmt.Errorf("--min-score %v is not between 0 and 1", minScore)
				}
				o.params.MinScore = &minScore
			}
			if o.drawTo != "" {
				if err := os.MkdirAll(o.drawTo, 0o755); err != nil {
					return fmt.Errorf("making the folder for drawn pictures: %w", err)
				}
			}
			o.output.Color = colors(cmd)
			return withGateway(cmd, *cfg, gateway, func(ctx context.Context, c *client.Client) error {
				return detect(ctx, c, cmd.InOrStdin(), cmd.OutOrStdout(), pictures, o)
			})
		},
	}
	platformFlags(cmd, cfg)
	f := cmd.Flags()
	f.StringVarP(&o.function, "function", "f", defaultFunction, "the function to ask")
	f.Float64Var(&minScore, "min-score", 0, "lowest score shown, 0 to 1 (default: the function's own)")
	f.StringVar(&o.drawTo, "draw", "", "write the pictures with their boxes drawn into this `folder`")
	f.StringVarP(&format, "output", "o", string(render.Table), "table, json or ndjson")
	f.StringVar(&gateway, "gateway", "", "the gateway's `URL` ("+config.EnvGateway+")")
	return cmd
}

// colors says whether the command writes to a terminal that shows them.
func colors(cmd *cobra.Command) bool {
	out, ok := cmd.OutOrStdout().(*os.File)
	return ok && render.Color(out, os.Getenv)
}

// detect asks about every picture, a few at a time, and writes the results in the
// order of the pictures as they come.
func detect(ctx context.Context, c *client.Client, stdin io.Reader, stdout io.Writer, pictures []string, o detectOptions) error {
	results := make([]chan render.Result, len(pictures))
	for i := range results {
		results[i] = make(chan render.Result, 1)
	}
	var group errgroup.Group
	group.SetLimit(inFlight)
	drawn := &drawnNames{dir: o.drawTo}
	go func() {
		for i, picture := range pictures {
			target := drawn.name(picture)
			group.Go(func() error {
				results[i] <- ask(ctx, c, stdin, picture, target, o)
				return nil
			})
		}
	}()

	printer := render.New(stdout, o.output)
	failed := 0
	for _, result := range results {
		r := <-result
		if r.Err != nil {
			failed++
		}
		if err := printer.Result(r); err != nil {
			return err
		}
	}
	if err := printer.Close(); err != nil {
		return err
	}
	if failed > 0 {
		return errSaid
	}
	return nil
}

// ask asks about one picture and writes its drawing to target, where that is not
// empty.
func ask(ctx context.Context, c *client.Client, stdin io.Reader, picture, target string, o detectOptions) render.Result {
	r := render.Result{Input: picture}
	source, err := open(picture, stdin)
	if err != nil {
		r.Err = err
		return r
	}
	if target != "" {
		o.params.Draw = drawFormat(target)
	}
	reply, err := c.Detect(ctx, o.function, source, o.params)
	if err != nil {
		r.Err = err
		return r
	}
	r.Reply = &reply
	if target != "" && reply.Annotated != nil {
		if err := os.WriteFile(target, reply.Annotated.Data, 0o644); err != nil {
			r.Err = fmt.Errorf("writing the drawn picture: %w", err)
			return r
		}
		r.Drawn = target
	}
	return r
}

// open makes a source of what the user named: a URL is for the gateway to fetch.
func open(picture string, stdin io.Reader) (client.Source, error) {
	if isURL(picture) {
		return client.Source{URL: picture}, nil
	}
	var file io.Reader = stdin
	if picture != "-" {
		f, err := os.Open(picture)
		if err != nil {
			return client.Source{}, plain(err)
		}
		defer f.Close()
		file = f
	}
	// One byte more than any gateway takes by default is enough to be refused as too
	// large; a device without an end is not read for ever.
	const most = 64 << 20
	data, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return client.Source{}, plain(err)
	}
	return client.Source{Data: data}, nil
}

// plain is an error of the file system without the operation's name.
func plain(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

func isURL(picture string) bool {
	return strings.HasPrefix(picture, "http://") || strings.HasPrefix(picture, "https://") ||
		strings.HasPrefix(picture, "data:")
}

// drawnNames gives each picture a file of its own in dir.
type drawnNames struct {
	dir   string
	taken map[string]bool
}

// name is the file for a picture's drawing: its own name, as JPEG where it is one
// and else as PNG, with a number where another picture has that name.
func (d *drawnNames) name(picture string) string {
	if d.dir == "" {
		return ""
	}
	base := filepath.Base(picture)
	switch u, err := url.Parse(picture); {
	case picture == "-":
		base = "stdin"
	case strings.HasPrefix(picture, "data:"):
		base = "data"
	case isURL(picture) && err == nil:
		base = path.Base(u.Path)
	}
	if base == "/" || base == "." || base == ".." {
		base = "picture"
	}
	stem, ext := strings.TrimSuffix(base, filepath.Ext(base)), ".png"
	if e := strings.ToLower(filepath.Ext(base)); e == ".jpg" || e == ".jpeg" {
		ext = ".jpg"
	}
	if d.taken == nil {
		d.taken = map[string]bool{}
	}
	name := stem + ext
	for n := 2; d.taken[name]; n++ {
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
	d.taken[name] = true
	return filepath.Join(d.dir, name)
}

func drawFormat(target string) string {
	if filepath.Ext(target) == ".jpg" {
		return "jpeg"
	}
	return "png"
}
