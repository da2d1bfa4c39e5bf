// Package stories tells on a real cluster what Saccade promises there: each story is a
// test that deploys functions with the saccade program, calls them as a user would, and
// breaks what a cluster breaks.
//
// It receives a cluster that is up (e2e/cluster) with the images of this checkout on its
// nodes, and hands on a verdict for each story and a table of what it measured, which
// is out/e2e/table.md as well. It refuses to run where there is no cluster, and says so
// by an exit code of its own, for that is nobody's fault in the product. e2e/run brings
// all of it about; the tests run on the cluster's node n1, in its network.
package stories

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	serving "knative.dev/serving/pkg/client/clientset/versioned"
)

// ExitNoCluster is the exit code where there is no cluster to tell stories on.
const ExitNoCluster = 3

// World is what all stories share.
type World struct {
	Kube    kubernetes.Interface
	Knative serving.Interface
	// Root is the checkout's folder, Programs the one with saccade, saccade-runtime and
	// helm.
	Root, Programs string
	// Smoke says that only the stories marked so are told.
	Smoke bool
	Table Table
}

// Main runs the tests of m in world, which it fills: the cluster is there, and one
// gateway for all stories stands on it.
func Main(m *testing.M, world *World) int {
	root := flag.String("root", ".", "the checkout's `folder`")
	smoke := flag.Bool("smoke", false, "tell the four stories that every change has to pass")
	flag.Parse()
	if err := world.begin(*root, *smoke); err != nil {
		fmt.Fprintln(os.Stderr, "stories: there is no cluster to tell stories on:", err)
		return ExitNoCluster
	}
	code := m.Run()
	if err := world.Table.Write(filepath.Join(world.Root, "out", "e2e", "table.md")); err != nil {
		fmt.Fprintln(os.Stderr, "stories:", err)
		return max(code, 1)
	}
	return code
}

func (w *World) begin(root string, smoke bool) (err error) {
	if w.Root, err = filepath.Abs(root); err != nil {
		return err
	}
	w.Programs, w.Smoke = filepath.Join(w.Root, "bin"), smoke
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	if w.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if w.Knative, err = serving.NewForConfig(config); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	nodes, err := w.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		// Stories have one node to themselves, so that what they measure is not which node
		// a pod came to; the one about nodes makes use of the others.
		if node.Name != Home && !node.Spec.Unschedulable {
			if said, err := w.command(ctx, "kubectl", "cordon", node.Name).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, said)
			}
		}
	}
	return nil
}

// Home is the node that the stories run on.
const Home = "n1"
