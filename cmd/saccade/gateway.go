package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/routing"
	"github.com/seed45885407/saccade/knative/watch"
)

// gatewayCommand is saccade gateway: the gateway with a cluster as its platform.
func gatewayCommand(cfg *config.Saccade) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run the gateway for the functions of a Kubernetes cluster until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			tuneMemory()
			listener, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return fmt.Errorf("listening: %w", err)
			}
			s, err := newClusterStack(*cfg, log)
			if err != nil {
				listener.Close()
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "saccade answers at %s for %s; interrupt to stop\n", listener.Addr(), whose(cfg.Cluster.Namespace))
			return s.serve(cmd.Context(), listener, false)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", cfg.Listen, "`address` to listen on")
	f.StringVarP(&cfg.Cluster.Namespace, "namespace", "n", cfg.Cluster.Namespace, "the `namespace` whose functions are served (default: all)")
	f.StringVar(&cfg.Cluster.Pods, "pods", cfg.Cluster.Pods, "how requests get to pods: direct, or by service, whatever ingress or mesh is there (default direct)")
	f.StringVar(&cfg.Cluster.Kubeconfig, "kubeconfig", cfg.Cluster.Kubeconfig, "`file` that names the cluster (default: as kubectl finds it; inside a cluster that one)")
	f.StringVar(&cfg.Cluster.Context, "context", cfg.Cluster.Context, "the kubeconfig's `context`")
	f.DurationVar(&cfg.Drain, "drain", cfg.Drain, "how long requests may take to finish when stopping")
	f.StringVar(&cfg.Jobs.Dir, "jobs-dir", cfg.Jobs.Dir, "`folder` where accepted requests are kept until they are done (default: none are taken)")
	f.BoolVar(&verbose, "verbose", false, "log health checks and connection faults too")
	return cmd
}

func whose(namespace string) string {
	if namespace == "" {
		return "the functions of all namespaces"
	}
	return "the functions of namespace " + namespace
}

// newClusterStack is a stack on a cluster. It has no models, starts no programs and
// deploys nothing.
func newClusterStack(cfg config.Saccade, log *slog.Logger) (*stack, error) {
	if cfg.Cache == "" { // a container need not have a home
		cfg.Cache = filepath.Join(os.TempDir(), "saccade")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	clients, err := watch.Connect(cfg.Cluster.Kubeconfig, cfg.Cluster.Context)
	if err != nil {
		return nil, err
	}
	return stackOn(clients, cfg, log)
}

// stackOn is a stack on the cluster behind clients.
func stackOn(clients watch.Clients, cfg config.Saccade, log *slog.Logger) (*stack, error) {
	s, routes := &stack{cfg: cfg, log: log}, &routing.Table{}
	cluster, err := watch.New(routes, clients, watch.Options{
		Namespace: cfg.Cluster.Namespace, Way: watch.Way(cfg.Cluster.Pods), ClusterDomain: cfg.Cluster.Domain, Log: log,
		Started:     func(function string, start functions.Start) { s.gateway.ColdStarted(function, start) },
		StartFailed: func(function string) { s.gateway.StartFailed(function) },
	})
	if err != nil {
		return nil, err
	}
	s.platform, s.ready, s.mirrorOf = cluster, cluster.Synced, cluster.Mirror
	s.runPlatform = func(ctx context.Context) error { return cluster.Run(ctx, s.room) }
	if err := s.build(routes); err != nil {
		return nil, err
	}
	return s, nil
}
