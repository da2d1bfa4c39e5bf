package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/models/inspect"
)

// addCommand is saccade functions add.
func addCommand(cfg *config.Saccade) *cobra.Command {
	var model, family, licence string
	cmd := &cobra.Command{
		Use:   "add NAME --model FILE|URL",
		Short: "Make a function of a model: inspect it and write its folder",
		Long: "Add looks into an ONNX file, tells how it will be fed and read, and writes NAME/function.yaml\n" +
			"into the functions folder. A file is copied there; a URL is written down with its SHA-256.\n" +
			"A gateway that runs with that folder serves the function within seconds.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := addFolder(cmd, *cfg)
			if err != nil {
				return err
			}
			f := functions.Function{
				APIVersion: functions.APIVersion, Kind: functions.KindFunction,
				Metadata: functions.Metadata{Name: args[0]},
				Spec:     functions.Spec{Model: functions.Model{Family: functions.Family(family), Licence: licence}},
			}
			return add(cmd, *cfg, f, model, filepath.Join(dir, args[0]))
		},
	}
	platformFlags(cmd, cfg)
	cmd.Flags().StringVar(&model, "model", "", "the ONNX `file or URL`")
	cmd.Flags().StringVar(&family, "family", "", "how the outputs are read, where the file does not tell")
	cmd.Flags().StringVar(&licence, "licence", "", "the model's licence, an SPDX identifier")
	_ = cmd.MarkFlagRequired("model")
	return cmd
}

// addFolder is the functions folder to write to: the last one that was named, or
// the user's own.
func addFolder(cmd *cobra.Command, cfg config.Saccade) (string, error) {
	if n := len(cfg.Functions); n > 0 && (cmd.Flags().Changed("functions") || os.Getenv(config.EnvFunctions) != "") {
		return cfg.Functions[n-1], nil
	}
	if dir := config.UserFunctions(); dir != "" {
		return dir, nil
	}
	return "", errors.New("no functions folder is known: name one with --functions")
}

// add inspects the model and writes the function's folder.
func add(cmd *cobra.Command, cfg config.Saccade, f functions.Function, model, folder string) error {
	if _, err := os.Stat(filepath.Join(folder, catalog.FileName)); err == nil {
		return fmt.Errorf("%s is there already: remove it first, or edit it", filepath.Join(folder, catalog.FileName))
	}
	far := strings.Contains(model, "://")
	f.Spec.Model.URI = model
	if !far {
		path, err := filepath.Abs(model)
		if err != nil {
			return err
		}
		f.Spec.Model.URI = "file://" + filepath.ToSlash(path)
	}
	// What can be refused is refused before anything is fetched.
	if err := catalog.Validate(f); err != nil {
		return err
	}
	m, err := newModels(cfg, quiet(cmd))
	if err != nil {
		return err
	}
	pulled, recognised, err := m.get(cmd.Context(), f, nil)
	if err != nil {
		return publicly(err)
	}
	f.Spec.Model.SHA256 = pulled.Sum
	f.Spec.Model.Family = recognised.Family
	f.Spec.Model.InputSize = recognised.InputSize
	if !far {
		f.Spec.Model.URI = f.Metadata.Name + ".onnx"
		if err := copyFile(pulled.Path, filepath.Join(folder, f.Spec.Model.URI)); err != nil {
			return err
		}
	}
	if err := catalog.Write(folder, f); err != nil {
		return err
	}
	tell(cmd.OutOrStdout(), f, recognised, folder)
	return nil
}

func tell(w io.Writer, f functions.Function, r inspect.Recognised, folder string) {
	fmt.Fprintf(w, "%s: family %s, input %d x %d, %d classes\n", f.Metadata.Name, r.Family, r.InputSize, r.InputSize, r.Classes)
	for _, reason := range r.Reasons {
		fmt.Fprintln(w, "  because", reason)
	}
	fmt.Fprintln(w, "wrote", filepath.Join(folder, catalog.FileName))
}

// copyFile lands a copy of from at to, which must not be there.
func copyFile(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			os.Remove(to)
		}
	}()
	_, err = io.Copy(out, in)
	return err
}

// publicly is an error as the command line shows it: what a caller may read, and
// the cause, for here the caller is the operator.
func publicly(err error) error {
	if e, ok := errors.AsType[*functions.Error](err); ok && e.Cause != nil {
		return fmt.Errorf("%s (%w)", e.Detail, e.Cause)
	}
	return err
}
