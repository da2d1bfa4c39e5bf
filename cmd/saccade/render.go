package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/render"
)

// renderCommand is saccade render.
func renderCommand(cfg *config.Saccade) *cobra.Command {
	var o renderFlags
	var namespace string
	cmd := &cobra.Command{
		Use:   "render NAME|DIR...",
		Short: "Write functions as Knative Services, for a repository that a cluster follows",
		Long: "Render writes the Kubernetes objects that functions are on a cluster: NAME is a shipped function or one in\n" +
			"the functions folders, DIR a function's own folder. It talks to no cluster. docs/render.md tells what becomes\n" +
			"of every field of function.yaml.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []*render.Object
			for _, named := range args {
				objects, err := o.objects(cmd, *cfg, named, namespace)
				if err != nil {
					return err
				}
				all = append(all, objects...)
			}
			return render.YAML(cmd.OutOrStdout(), all)
		},
	}
	o.add(cmd, cfg)
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`namespace` of the objects; empty: they name none")
	return cmd
}

// renderFlags are the flags of every command that makes a function into objects.
type renderFlags struct{ render.Options }

func (r *renderFlags) add(cmd *cobra.Command, cfg *config.Saccade) {
	f := cmd.Flags()
	f.StringArrayVar(&cfg.Functions, "functions", cfg.Functions, "`folder` with one folder a function, beside the shipped ones (repeatable; "+config.EnvFunctions+")")
	f.StringVar(&r.Image, "image", runtimeImage+":"+imageTag(version), "the runtime's container `image`")
	f.StringVar((*string)(&r.Delivery), "delivery", string(render.DeliverRuntime), "how the model comes into a pod: runtime, init, pvc, image or volume")
	f.StringVar(&r.ModelImage, "model-image", "", "`image` that holds the model, with its digest, for --delivery volume: REGISTRY/REPOSITORY@sha256:...")
	f.StringVar(&r.Cache, "cache-claim", "", "`claim` that holds models and graphs on each node, or emptyDir (default "+render.DefaultCacheClaim+"; emptyDir for image and volume)")
	f.StringVar(&r.Mirror, "model-mirror", "", "`URL` where pods look for model files first")
	f.DurationVar(&r.PullTimeout, "pull-timeout", render.DefaultPullTimeout, "how long a node, the image and the model may take to be had")
	f.DurationVar(&r.MaxTimeout, "max-timeout", render.DefaultMaxTimeout, "the cluster's max-revision-timeout-seconds")
	f.BoolVar(&r.Public, "public", false, "leave the Knative Service's own address open beside the gateway, past its keys and limits")
	f.BoolVar(&r.NoNetworkPolicy, "no-network-policy", false, "leave the network policy out")
	f.StringVar(&r.GatewayNamespace, "gateway-namespace", render.DefaultGatewayNamespace, "`namespace` of the gateway")
	f.StringVar(&r.ServingNamespace, "serving-namespace", render.DefaultServingNamespace, "`namespace` of Knative's activator and autoscaler")
	f.StringArrayVar(&r.AllowNamespaces, "allow-namespace", nil, "`namespace` whose pods may reach the function's too, as an ingress or Prometheus (repeatable)")
	f.Int64Var(&r.FSGroup, "fs-group", 0, "`group` that is to own the volumes, for storage that comes as root's (0: none is set)")
}

// objects are those of the named function, and what is to be known of them is said.
func (r renderFlags) objects(cmd *cobra.Command, cfg config.Saccade, named, namespace string) ([]*render.Object, error) {
	f, folder, err := declaredFunction(cfg, named)
	if err != nil {
		return nil, err
	}
	o := r.Options
	o.Folder, o.Namespace = folder, namespace
	objects, err := render.Objects(f, o)
	if err != nil {
		return nil, err
	}
	for _, note := range render.Notes(f, o) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", f.Metadata.Name, note)
	}
	if flags := render.Features(f, o); len(flags) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: needs in Knative's config-features: %s (docs/render.md)\n", f.Metadata.Name, strings.Join(flags, ", "))
	}
	return objects, nil
}

// declaredFunction is the function as it was declared, its defaults not applied, with
// its folder. named is a function's folder, or its function.yaml, where it looks like a
// path; else a function of that name.
func declaredFunction(cfg config.Saccade, named string) (functions.Function, fs.FS, error) {
	if strings.ContainsRune(named, filepath.Separator) || strings.HasPrefix(named, ".") {
		return functionAt(named)
	}
	entries, broken := catalog.New(functions.Shipped, cfg.Functions...).Load()
	if i := slices.IndexFunc(entries, func(e catalog.Entry) bool { return e.Function.Metadata.Name == named }); i >= 0 {
		f, err := catalog.Read(entries[i].Folder, ".")
		return f, entries[i].Folder, err
	}
	if i := slices.IndexFunc(broken, func(b *catalog.Broken) bool { return b.Name == named }); i >= 0 {
		return functions.Function{}, nil, broken[i]
	}
	if _, err := os.Stat(filepath.Join(named, catalog.FileName)); err == nil {
		return functionAt(named)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Function.Metadata.Name)
	}
	return functions.Function{}, nil, fmt.Errorf("there is no function %s: there are %s; --functions names more folders", named, strings.Join(names, ", "))
}

func functionAt(path string) (functions.Function, fs.FS, error) {
	file := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file = filepath.Join(path, catalog.FileName)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return functions.Function{}, nil, err
	}
	f, err := catalog.ReadFile(file)
	return f, os.DirFS(cmp.Or(filepath.Dir(file), ".")), err
}
