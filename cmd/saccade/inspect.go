package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/models/store"
)

// modelsCommand is saccade models, the parent of inspect.
func modelsCommand(cfg *config.Saccade) *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "Look into model files", Args: cobra.NoArgs}
	cmd.AddCommand(inspectCommand(cfg))
	return cmd
}

// inspectCommand is saccade models inspect.
func inspectCommand(cfg *config.Saccade) *cobra.Command {
	var format, family string
	var asJSON bool
	var declared functions.Model
	cmd := &cobra.Command{
		Use:   "inspect FILE|URL",
		Short: "Say what a model is, how it will be fed and read, and why",
		Long: "Inspect looks into an ONNX file, without running it: what it is, what a picture costs it, how\n" +
			"pictures will be fed to it and boxes read from it, and what each of that was told by. Where it\n" +
			"cannot tell, it says what would settle it in function.yaml, and fails.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("no output format %q: it is table or json", format)
			}
			if asJSON {
				format = "json"
			}
			declared.Family = functions.Family(family)
			seen, err := look(cmd, *cfg, args[0], declared)
			if err != nil {
				return publicly(err)
			}
			out := cmd.OutOrStdout()
			if format == "json" {
				err = seen.json(out)
			} else {
				err = seen.table(out)
			}
			if err == nil && seen.Refused != "" {
				err = errSaid
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as --output json")
	cmd.Flags().StringVar(&family, "family", "", "take the model for one of this `family`, as spec.model.family would")
	cmd.Flags().IntVar(&declared.InputSize, "input-size", 0, "feed `pixels` a side, as spec.model.inputSize would")
	cmd.Flags().StringVar(&declared.Read.Corners, "corners", "", "take boxes for xyxy, yxyx or cxcywh, as spec.model.read.corners would")
	cmd.Flags().StringVar(&declared.Read.Unit, "unit", "", "take them for pixels or shares, as spec.model.read.unit would")
	cmd.Flags().StringVar(&cfg.Cache, "cache", cfg.Cache, "`folder` for models and optimised graphs ("+config.EnvCache+")")
	cmd.Flags().StringVar(&cfg.ModelMirror, "model-mirror", cfg.ModelMirror, "`folder or URL` where model files are looked for first ("+config.EnvModelMirror+")")
	return cmd
}

// sight is what a look into a model file shows.
type sight struct {
	File     string   `json:"file"`
	Bytes    int64    `json:"bytes"`
	Producer string   `json:"producer,omitempty"`
	Opset    int64    `json:"opset"`
	Cost     cost     `json:"cost"`
	Inputs   []string `json:"inputs"`
	Outputs  []string `json:"outputs"`
	Served   *served  `json:"served,omitempty"`
	// Refused is why the model cannot be served as it is; empty where it can.
	Refused string `json:"refused,omitempty"`
}

// cost is what a run of one picture takes.
type cost struct {
	Parameters int64   `json:"parameters"`
	GFLOPs     float64 `json:"gflops"`
	// Bytes of memory in one run: weights, and what lies between operations.
	Bytes           int64 `json:"bytes"`
	WeightBytes     int64 `json:"weightBytes"`
	ActivationBytes int64 `json:"activationBytes"`
	// AtLeast says that GFLOPs and Bytes are lower bounds.
	AtLeast bool   `json:"atLeast,omitempty"`
	Says    string `json:"says"`
}

func costOf(c inspect.Cost) cost {
	return cost{
		Parameters: c.Parameters, GFLOPs: c.GFLOPs(), Bytes: c.Bytes(), WeightBytes: c.WeightBytes,
		ActivationBytes: c.ActivationBytes, AtLeast: c.Uncounted > 0, Says: c.String(),
	}
}

// served is how the model is served.
type served struct {
	Family    functions.Family `json:"family"`
	InputSize int              `json:"inputSize"`
	Feeds     []string         `json:"feeds"`
	Fed       string           `json:"fed"`
	Reads     []string         `json:"reads"`
	Read      string           `json:"read"`
	Classes   int              `json:"classes"`
	Labels    []string         `json:"labels,omitempty"`
	Because   []string         `json:"because"`
}

// look inspects a file where it lies, and what a URL names from the store.
func look(cmd *cobra.Command, cfg config.Saccade, model string, declared functions.Model) (*sight, error) {
	path := model
	if strings.Contains(model, "://") {
		m, err := newModels(cfg, quiet(cmd))
		if err != nil {
			return nil, err
		}
		pulled, err := m.store.Pull(cmd.Context(), store.Request{URI: model}, nil)
		if err != nil {
			return nil, err
		}
		if pulled.Pinned {
			m.log.Warn("the URL is pinned to the model seen now", "sha256", pulled.Sum)
		}
		path = pulled.Path
	}
	m, err := inspect.Inspect(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &sight{
		File: model, Bytes: info.Size(), Producer: m.Producer, Opset: m.Opset, Cost: costOf(m.Cost(nil)),
		Inputs: tensorNames(m.Inputs), Outputs: tensorNames(m.Outputs),
	}
	r, err := inspect.Recognise(m, functions.Function{Spec: functions.Spec{Model: declared}})
	if e, refused := errors.AsType[*functions.Error](err); refused {
		s.Refused = e.Detail
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Cost = costOf(m.Cost(r.Inputs))
	s.Served = &served{
		Family: r.Family, InputSize: r.InputSize, Feeds: portNames(r.Inputs), Fed: r.Fed(),
		Reads: portNames(r.Outputs), Read: r.Reads(), Classes: r.Classes, Labels: r.Labels, Because: r.Reasons,
	}
	return s, nil
}

func tensorNames(tensors []inspect.Tensor) []string {
	list := []string{}
	for _, t := range tensors {
		list = append(list, t.String())
	}
	return list
}

func portNames(ports []inspect.Port) []string {
	list := []string{}
	for _, p := range ports {
		list = append(list, p.Name)
	}
	return list
}

func (s *sight) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// table writes a line a fact. What it says comes from a stranger's file, so
// nothing in it may drive the terminal.
func (s *sight) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	row("file", "%s (%.1f MB)", s.File, float64(s.Bytes)/1e6)
	row("made by", "%s, operator set %d", s.Producer, s.Opset)
	row("cost", "%s", s.Cost.Says)
	for _, in := range s.Inputs {
		row("input", "%s", in)
	}
	for _, o := range s.Outputs {
		row("output", "%s", o)
	}
	if v := s.Served; v != nil {
		row("family", "%s", v.Family)
		row("fed", "%s: %s", strings.Join(v.Feeds, ", "), v.Fed)
		row("read", "%s: %s", strings.Join(v.Reads, ", "), v.Read)
		row("classes", "%s", v.classes())
		for _, reason := range v.Because {
			row("because", "%s", reason)
		}
	} else {
		row("refused", "%s", s.Refused)
	}
	return w.Flush()
}

// classes names the first few.
func (v *served) classes() string {
	const most = 5
	switch {
	case v.Classes == 0:
		return "as many as it finds; spec.model.labels would name them"
	case len(v.Labels) == 0:
		return fmt.Sprintf("%d, without names; spec.model.labels would name them", v.Classes)
	case len(v.Labels) > most:
		return fmt.Sprintf("%d: %s, ...", v.Classes, strings.Join(v.Labels[:most], ", "))
	}
	return fmt.Sprintf("%d: %s", v.Classes, strings.Join(v.Labels, ", "))
}

// printable replaces what is not to be seen, control characters above all.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
