package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	xdraw "golang.org/x/image/draw"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/client/explain"
	"github.com/seed45885407/saccade/client/render"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// explainOptions are the flags of saccade explain.
type explainOptions struct {
	function, out string
	box, side     int
	asJSON        bool
	explain       explain.Options
}

// explainCommand is saccade explain.
func explainCommand(cfg *config.Saccade) *cobra.Command {
	var o explainOptions
	var format, gateway string
	cmd := &cobra.Command{
		Use:   "explain PICTURE",
		Short: "Show which pixels a detection rests on, as a heat map over the picture",
		Long: "Explain covers parts of the picture at random, asks the function about each, and sees what the detection\n" +
			"does not survive (D-RISE). It works with every function, and looks at boxes and scores alone.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := render.ParseFormat(format)
			if err != nil {
				return err
			}
			o.asJSON = f != render.Table
			if o.box < 1 {
				return fmt.Errorf("--box %d: boxes are counted from 1, the best one", o.box)
			}
			if o.side < 64 || o.side > 4096 {
				return fmt.Errorf("--side %d is not between 64 and 4096", o.side)
			}
			o.explain.Progress = progressOn(cmd.ErrOrStderr(), time.Now)
			return withGateway(cmd, *cfg, gateway, func(ctx context.Context, c *client.Client) error {
				return explainPicture(ctx, c, cmd.InOrStdin(), cmd.OutOrStdout(), args[0], o)
			})
		},
	}
	platformFlags(cmd, cfg)
	f := cmd.Flags()
	f.StringVarP(&o.function, "function", "f", defaultFunction, "the function to ask")
	f.IntVar(&o.box, "box", 1, "`number` of the detection to explain, the best one being 1")
	f.IntVar(&o.explain.Masks, "masks", 1000, "how many covered `pictures` are asked about: more are less noise")
	f.IntVar(&o.explain.Grid, "grid", 0, "`cells` of a mask along each side (default: 6 to 16, by the size of the box)")
	f.Uint64Var(&o.explain.Seed, "seed", 1, "chooses the masks")
	f.IntVar(&o.explain.Parallel, "parallel", 8, "how many `pictures` are asked about at a time")
	f.IntVar(&o.side, "side", 640, "longest side in `pixels` of the pictures that are asked about")
	f.StringVar(&o.out, "out", "heat.png", "`file` for the heat map")
	f.StringVarP(&format, "output", "o", string(render.Table), "table, or json with all numbers")
	f.StringVar(&gateway, "gateway", "", "the gateway's `URL` ("+config.EnvGateway+")")
	return cmd
}

// explainPicture is the walk: read -> detect -> explain -> draw -> tell.
func explainPicture(ctx context.Context, c *client.Client, stdin io.Reader, stdout io.Writer, name string, o explainOptions) error {
	// read
	if isURL(name) {
		return fmt.Errorf("%s: explain takes a file, or - for standard input: it covers parts of the picture itself", name)
	}
	source, err := open(name, stdin)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	whole, err := uprightOf(source.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	picture := shrunk(whole, o.side)

	// detect
	began := time.Now()
	found, err := probe(ctx, c, o.function, picture, functions.Parameters{})
	if err != nil {
		return err
	}
	if o.box > len(found) {
		return fmt.Errorf("%s: there is no box %d: %s sees %d", name, o.box, o.function, len(found))
	}

	// explain
	e, err := explain.Explain(ctx, picture, found[o.box-1], func(ctx context.Context, covered *image.RGBA) ([]functions.Detection, error) {
		return probe(ctx, c, o.function, covered, functions.Parameters{MinScore: new(leastScore)})
	}, o.explain)
	if err != nil {
		return err
	}
	took := time.Since(began)

	// draw
	e.Target.Box = scaled(e.Target.Box, picture.Rect, whole.Rect)
	heat, err := drawHeat(e, whole)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.out, heat, 0o644); err != nil {
		return fmt.Errorf("writing the heat map: %w", err)
	}

	// tell
	return tellExplanation(stdout, e, scaled(e.Target.Box, whole.Rect, picture.Rect), took, o)
}

// leastScore is from where on a detection in a covered picture counts: what is left of
// the target there is weak.
const leastScore = 0.01

// sentQuality is that of the pictures that are sent: no loss that a detector would see.
const sentQuality = 95

// probe asks about a picture that nothing is to be kept of.
func probe(ctx context.Context, c *client.Client, function string, picture image.Image, p functions.Parameters) ([]functions.Detection, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: sentQuality}); err != nil {
		return nil, fmt.Errorf("encoding the picture: %w", err)
	}
	reply, err := c.Probe(ctx, function, client.Source{Data: b.Bytes()}, p)
	return reply.Detections, err
}

// uprightOf reads any picture that functions read, with the same bounds.
func uprightOf(data []byte) (*image.RGBA, error) {
	p, err := vision.Decode(data, vision.Limits{})
	if err != nil {
		return nil, err
	}
	defer p.Release()
	upright, err := vision.Draw(p, nil, "png")
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(upright))
	if err != nil {
		return nil, fmt.Errorf("reading the picture again: %w", err)
	}
	rgba := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
	return rgba, nil
}

// shrunk is the picture with no side longer than side.
func shrunk(p *image.RGBA, side int) *image.RGBA {
	size := p.Rect.Size()
	longest := max(size.X, size.Y)
	if longest <= side {
		return p
	}
	small := image.NewRGBA(image.Rect(0, 0, max(1, size.X*side/longest), max(1, size.Y*side/longest)))
	xdraw.CatmullRom.Scale(small, small.Rect, p, p.Rect, xdraw.Src, nil)
	return small
}

func scaled(b functions.Box, from, to image.Rectangle) functions.Box {
	x, y := float32(to.Dx())/float32(from.Dx()), float32(to.Dy())/float32(from.Dy())
	return functions.Box{X1: b.X1 * x, Y1: b.Y1 * y, X2: b.X2 * x, Y2: b.Y2 * y}
}

// drawHeat is the heat map with the box on it, as `detect --draw` draws boxes.
func drawHeat(e explain.Explanation, whole *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, e.Paint(whole)); err != nil {
		return nil, fmt.Errorf("encoding the heat map: %w", err)
	}
	p, err := vision.Decode(b.Bytes(), vision.Limits{MaxBytes: int64(b.Len())})
	if err != nil {
		return nil, fmt.Errorf("reading the heat map: %w", err)
	}
	defer p.Release()
	return vision.Draw(p, []functions.Detection{e.Target}, "png")
}

// told is an explanation in JSON.
type told struct {
	Function string              `json:"function"`
	Target   functions.Detection `json:"target"`
	Masks    int                 `json:"masks"`
	Grid     int                 `json:"grid"`
	Seed     uint64              `json:"seed"`
	Seconds  functions.Seconds   `json:"seconds"`
	// The areas under the curves; Explains says that the map does better than chance.
	DeletionArea  float64        `json:"deletion_area"`
	InsertionArea float64        `json:"insertion_area"`
	RandomArea    float64        `json:"random_area"`
	Explains      bool           `json:"explains"`
	Curves        explain.Curves `json:"curves"`
	// HottestInside is the share of the hottest tenth of the pixels that lies in the box,
	// BoxShare that of the picture that the box is.
	HottestInside float64 `json:"hottest_tenth_inside"`
	BoxShare      float64 `json:"box_share"`
	// Saliency is the map in rows from the top, each value the mean of a square.
	Saliency [][]float32 `json:"saliency"`
	Heat     string      `json:"heat"`
}

func tellExplanation(w io.Writer, e explain.Explanation, small functions.Box, took time.Duration, o explainOptions) error {
	inside, share := e.Map.Inside(small)
	t := told{
		Function: o.function, Target: e.Target, Masks: o.explain.Masks, Grid: e.Grid, Seed: o.explain.Seed,
		Seconds: functions.Seconds(took.Round(time.Millisecond)), DeletionArea: explain.Area(e.Curves.Deletion),
		InsertionArea: explain.Area(e.Curves.Insertion), RandomArea: explain.Area(e.Curves.Random),
		Explains: e.Curves.Explain(), Curves: e.Curves, HottestInside: inside, BoxShare: share,
		Saliency: e.Map.Coarse(), Heat: o.out,
	}
	if o.asJSON {
		return json.NewEncoder(w).Encode(t)
	}
	verdict := "the map explains the box"
	if !t.Explains {
		verdict = "the map does not explain the box better than chance: try more masks"
	}
	b := e.Target.Box
	_, err := fmt.Fprintf(w, "%s %.2f at %.0f,%.0f to %.0f,%.0f\n"+
		"deletion %.2f, insertion %.2f, at random %.2f: %s\n"+
		"%.0f%% of the hottest tenth lies in the box, which is %.0f%% of the picture\n"+
		"%s, from %d masks in %.1f s\n",
		e.Target.Class, e.Target.Score, b.X1, b.Y1, b.X2, b.Y2,
		t.DeletionArea, t.InsertionArea, t.RandomArea, verdict,
		100*inside, 100*share, o.out, t.Masks, took.Seconds())
	return err
}

// progressOn shows how far the work is, on a terminal alone: at most ten times a second,
// with the time that is left.
func progressOn(w io.Writer, now func() time.Time) func(done, all int) {
	f, ok := w.(*os.File)
	if !ok || !render.Color(f, func(string) string { return "" }) {
		return nil
	}
	return progressLine(f, now)
}

func progressLine(w io.Writer, now func() time.Time) func(done, all int) {
	began := now()
	var shown time.Time
	return func(done, all int) {
		at := now()
		if done < all && at.Sub(shown) < 100*time.Millisecond {
			return
		}
		shown = at
		if done == all {
			fmt.Fprint(w, "\r\x1b[K")
			return
		}
		const width = 30
		filled := width * done / all
		left := time.Duration(float64(at.Sub(began)) / float64(done) * float64(all-done)).Round(time.Second)
		fmt.Fprintf(w, "\r\x1b[K%s%s %d of %d pictures, %s left", bytes.Repeat([]byte("━"), filled),
			bytes.Repeat([]byte("╌"), width-filled), done, all, left)
	}
}
