package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/knative/deploy"
)

// The exit codes of the commands that speak to a cluster.
const (
	exitRefused     = 1 // used wrongly, or refused by the cluster
	exitNotReady    = 2 // not ready in time, or failed; a rollout that went back
	exitUnreachable = 3 // no API server answers
)

// exit is an error with the exit code that it means.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

// exitCode is what the program ends with after err.
func exitCode(err error) int {
	if e, ok := errors.AsType[*exit](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*deploy.NotReady](err); ok {
		return exitNotReady
	}
	if _, ok := errors.AsType[*deploy.Unreachable](err); ok {
		return exitUnreachable
	}
	return exitRefused
}

// clusterFlags say which cluster is meant.
type clusterFlags struct {
	namespace, kubeconfig, context string
}

// add declares the flags.
func (c *clusterFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&c.namespace, "namespace", "n", "", "the `namespace` of the functions (default: the context's)")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "the kubeconfig `file` (default: KUBECONFIG, ~/.kube/config, or the cluster this runs in)")
	f.StringVar(&c.context, "context", "", "the kubeconfig's `context` (default: the current one)")
}

// connect is the cluster that the flags mean. What it has to say of its API server goes
// to the command's error output.
func (c *clusterFlags) connect(cmd *cobra.Command) (*deploy.Cluster, error) {
	cluster, err := deploy.Connect(c.kubeconfig, c.context, c.namespace)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	cluster.Say(func(text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(cmd.ErrOrStderr(), "saccade:", text)
	})
	return cluster, nil
}

// elapsed is a time since the beginning, as progress tells it.
func elapsed(d time.Duration) string { return fmt.Sprintf("%6.1fs", d.Seconds()) }
