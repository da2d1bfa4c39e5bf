// Command policy puts the NetworkPolicies of a cluster into force on one node: it
// watches policies, pods and namespaces, and keeps one nftables table of the node's
// network namespace in step with them.
//
// It receives the API server's objects and hands on rules to nft, all of them in one
// transaction, so that there is never a moment with half of them. It refuses nothing:
// a policy it cannot compile would be a fault of the API server, which checks them.
//
// A pod is known from the moment its address is in its status, so a policy takes hold
// a moment after the pod's network does, as with most real network plugins.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	node := flag.String("node", "", "the node whose pods are looked after")
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *node, *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(1)
	}
}

// settle is how long changes are gathered before the rules are written: a rollout
// changes many pods at once.
const settle = 20 * time.Millisecond

func run(ctx context.Context, node, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	defer factory.Shutdown()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Shutdown, which waits for what ends with ctx
	changed := make(chan struct{}, 1)
	note := func() {
		select {
		case changed <- struct{}{}:
		default: // noted already
		}
	}
	pods, namespaces, policies := factory.Core().V1().Pods(), factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { note() }, UpdateFunc: func(any, any) { note() }, DeleteFunc: func(any) { note() },
		}); err != nil {
			return fmt.Errorf("watching: %w", err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	inForce := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		time.Sleep(settle)
		var now world
		if now.pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		if now.namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return fmt.Errorf("listing namespaces: %w", err)
		}
		if now.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return fmt.Errorf("listing policies: %w", err)
		}
		rules, err := now.rules(node)
		if err != nil {
			return err
		}
		if rules == inForce {
			continue
		}
		if err := enforce(ctx, rules); err != nil {
			return err // started again by the node, with the world as it is then
		}
		inForce = rules
		slog.Info("rules written", "lines", strings.Count(rules, "\n"), "policies", len(now.policies))
	}
}

// enforce replaces the table by the rules, in one transaction.
func enforce(ctx context.Context, rules string) error {
	nft := exec.CommandContext(ctx, "nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if out, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("writing rules: %w: %s", err, out)
	}
	return nil
}
