// Command kingress is a small Knative ingress: it serves every Ingress of its class
// (networking.internal.knative.dev) and marks it as ready.
//
// It receives Ingresses, Services, Endpoints and TLS Secrets by watching, and hands
// requests on to ready endpoints by the percentages of the Ingress. It refuses hosts
// it does not know with 404. Control and traffic share one process, so an Ingress is
// in force the moment the table is swapped; that is why one replica has to do.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"knative.dev/networking/pkg/client/clientset/versioned"
	kinformers "knative.dev/networking/pkg/client/informers/externalversions"
	klisters "knative.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// ingress is what requests are served from.
type ingress struct {
	class, internalName string // the name: of the Service before the cluster-local listener
	kn                  versioned.Interface
	ingresses           klisters.IngressLister
	services            corelisters.ServiceLister
	endpoints           corelisters.EndpointsLister
	secrets             corelisters.SecretLister
	external, internal  atomic.Pointer[table]
	certs               atomic.Pointer[map[string]*tls.Certificate] // by host
	h1, h2c             *http.Transport
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kingress:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	class := flag.String("class", "kingress.ingress.networking.knative.dev", "ingress class")
	external := flag.String("external", ":8080", "listener for public hosts")
	secure := flag.String("external-tls", ":8443", "TLS listener for public hosts")
	internal := flag.String("internal", ":8081", "listener for cluster-local hosts")
	name := flag.String("internal-name", "kingress-internal.kingress-system.svc.cluster.local", "DNS name of the internal Service")
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server; empty in a cluster")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 100, 200
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	kn, err := versioned.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	g := &ingress{class: *class, internalName: *name, kn: kn}
	g.h1, g.h2c = transports()
	g.external.Store(&table{})
	g.internal.Store(&table{})
	g.certs.Store(&map[string]*tls.Certificate{})

	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop() // before Wait: a listener that fails ends the watching, too
	if err := g.watch(ctx, kube, &running); err != nil {
		return err
	}
	public, local := server(*external, g.handler(&g.external)), server(*internal, g.handler(&g.internal))
	encrypted := server(*secure, g.handler(&g.external))
	encrypted.Protocols.SetHTTP2(true)
	encrypted.TLSConfig = &tls.Config{GetCertificate: g.certificate}
	failed := make(chan error, 3)
	running.Go(func() { failed <- public.ListenAndServe() })
	running.Go(func() { failed <- local.ListenAndServe() })
	running.Go(func() { failed <- encrypted.ListenAndServeTLS("", "") })
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	for _, s := range []*http.Server{public, encrypted, local} {
		err = errors.Join(err, s.Shutdown(draining))
	}
	return err
}

// watch keeps the tables in step with the cluster until ctx ends.
func (g *ingress) watch(ctx context.Context, kube kubernetes.Interface, running *sync.WaitGroup) error {
	core, knative := informers.NewSharedInformerFactory(kube, 0), kinformers.NewSharedInformerFactory(g.kn, 0)
	secrets := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = "type=" + string(corev1.SecretTypeTLS)
	}))
	ingresses := knative.Networking().V1alpha1().Ingresses()
	g.ingresses = ingresses.Lister()
	g.services = core.Core().V1().Services().Lister()
	g.endpoints = core.Core().V1().Endpoints().Lister()
	g.secrets = secrets.Core().V1().Secrets().Lister()

	// One key: every change has both tables computed anew, many changes only once.
	queue := workqueue.NewRateLimitingQueue(workqueue.NewItemExponentialFailureRateLimiter(20*time.Millisecond, 5*time.Second))
	changed := func(any) { queue.Add("tables") }
	for _, informer := range []cache.SharedIndexInformer{ingresses.Informer(), secrets.Core().V1().Secrets().Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: changed, DeleteFunc: changed, UpdateFunc: func(_, now any) { changed(now) },
		}); err != nil {
			return fmt.Errorf("watching: %w", err)
		}
	}
	for _, factory := range []interface {
		Start(<-chan struct{})
		Shutdown()
	}{secrets, core, knative} {
		factory.Start(ctx.Done())
		running.Go(func() {
			<-ctx.Done()
			factory.Shutdown()
		})
	}
	secrets.WaitForCacheSync(ctx.Done())
	core.WaitForCacheSync(ctx.Done())
	knative.WaitForCacheSync(ctx.Done())
	running.Go(func() {
		<-ctx.Done()
		queue.ShutDown()
	})
	running.Go(func() {
		for {
			key, stopped := queue.Get()
			if stopped {
				return
			}
			if err := g.sync(ctx); err != nil {
				slog.Warn("serving what is listed", "error", err)
				queue.AddRateLimited(key)
			} else {
				queue.Forget(key)
			}
			queue.Done(key)
		}
	})
	return nil
}

func (g *ingress) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := (*g.certs.Load())[hello.ServerName]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no certificate for %q", hello.ServerName)
}

// transports are for backends that speak HTTP/1 and HTTP/2 without TLS.
func transports() (h1, h2c *http.Transport) {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	h1 = &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, DisableCompression: true}
	h2c = &http.Transport{DialContext: dialer.DialContext, Protocols: new(http.Protocols)}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	return h1, h2c
}

// server listens for HTTP/1 and HTTP/2, and answers its own probe beside the traffic.
func server(address string, traffic http.Handler) *http.Server {
	s := &http.Server{Addr: address, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && r.Host == "kingress.health" {
			_, _ = io.WriteString(w, "ok")
			return
		}
		traffic.ServeHTTP(w, r)
	})
	return s
}
