package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/knative/deploy"
	"github.com/seed45885407/saccade/knative/render"
)

// Where a contrast is played.
const (
	onThisMachine = "local"
	onKnative     = "knative"
)

// clusterOptions are the flags of saccade contrast that say which cluster is meant and what a
// function is made into there.
type clusterOptions struct {
	clusterFlags
	renderFlags
	gateway string
	peak    float64
	timeout time.Duration
}

// flags declares those that cmd has not for the local platform already.
func (o *clusterOptions) flags(cmd *cobra.Command, cfg *config.Saccade) {
	var other cobra.Command
	o.clusterFlags.add(&other)
	o.renderFlags.add(&other, cfg)
	f := other.Flags()
	f.StringVar(&o.gateway, "gateway", "", "with --platform knative: the `URL` of the gateway on the cluster ("+config.EnvGateway+")")
	f.Float64Var(&o.peak, "peak", 10, "with --platform knative: `requests` a second that the trace's peak may have; more are left out by chance")
	f.DurationVar(&o.timeout, "timeout", 2*deploy.DefaultTimeout, "with --platform knative: how long each step may take: until ready, at zero, gone")
	cmd.Flags().AddFlagSet(f)
}

// client is one of the gateway on the cluster.
func (o *clusterOptions) client() (*client.Client, error) {
	at := cmp.Or(o.gateway, os.Getenv(config.EnvGateway))
	if at == "" {
		return nil, functions.Errorf(functions.Invalid, "--platform %s needs --gateway or %s: the gateway on the cluster", onKnative, config.EnvGateway)
	}
	return client.New(at, client.Options{Key: os.Getenv(config.EnvAPIKey)})
}

// cluster is where a function can be put for a while.
type cluster interface {
	// Has says whether there is a function of that name.
	Has(ctx context.Context, name string) (bool, error)
	// Deploy puts f there, of which the files are in folder, waits until it is ready, and
	// says what an instance of it holds.
	Deploy(ctx context.Context, f functions.Function, folder fs.FS, tell func(string)) (functions.Held, error)
	// Delete takes it away, and waits until it is gone.
	Delete(ctx context.Context, name string, tell func(string)) error
}

// knativeCluster is a cluster with Knative, spoken to as saccade deploy and delete do.
type knativeCluster struct {
	*deploy.Cluster
	options render.Options
	timeout time.Duration
}

func (o *clusterOptions) cluster(cmd *cobra.Command, cfg config.Saccade) (cluster, error) {
	c, err := o.connect(cmd)
	if err != nil {
		return nil, err
	}
	options := o.Options
	options.Namespace, options.Mirror = c.Namespace(), cfg.ModelMirror
	return knativeCluster{c, options, o.timeout}, nil
}

func (k knativeCluster) Has(ctx context.Context, name string) (bool, error) {
	_, err := k.Status(ctx, name)
	if functions.KindOf(err) == functions.NotFound {
		return false, nil
	}
	return err == nil, err
}

func (k knativeCluster) Deploy(ctx context.Context, f functions.Function, folder fs.FS, tell func(string)) (functions.Held, error) {
	options := k.options
	options.Folder = folder
	objects, err := render.Objects(f, options)
	if err != nil {
		return functions.Held{}, err
	}
	for _, note := range render.Notes(f, options) {
		tell(note)
	}
	return heldBy(objects), k.Cluster.Deploy(ctx, objects, deploy.Options{
		Wait: true, Timeout: k.timeout, Tell: func(line deploy.Line) { tell(line.Text) },
	})
}

func (k knativeCluster) Delete(ctx context.Context, name string, tell func(string)) error {
	return k.Cluster.Delete(ctx, name, deploy.DeleteOptions{Wait: true, Timeout: k.timeout, Tell: tell})
}

// heldBy is what a pod of the Knative Service among the objects is promised, else bounded to:
// what a cluster keeps from others for it.
func heldBy(objects []*render.Object) (h functions.Held) {
	for _, object := range objects {
		containers, _ := within(object.Object, "spec", "template", "spec", "containers").([]any)
		for _, container := range containers {
			amount := func(name string) string {
				for _, kind := range []string{"requests", "limits"} {
					if value := within(container, "resources", kind, name); value != nil {
						return fmt.Sprint(value)
					}
				}
				return ""
			}
			if cores, err := catalog.ParseCPU(amount("cpu")); err == nil {
				h.CPU += cores
			}
			if bytes, err := catalog.ParseMemory(amount("memory")); err == nil {
				h.Memory += bytes
			}
		}
	}
	return h
}

// within is what stands at a path of objects in objects, or nil.
func within(tree any, path ...string) any {
	for _, name := range path {
		fields, _ := tree.(map[string]any)
		tree = fields[name]
	}
	return tree
}
