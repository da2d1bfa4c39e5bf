package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// pick draws one split by its percent.
func pick(splits []v1alpha1.IngressBackendSplit) *v1alpha1.IngressBackendSplit {
	n := rand.IntN(100)
	for i := range splits {
		p := splits[i].Percent
		if len(splits) == 1 && p == 0 {
			p = 100
		}
		if n < p {
			return &splits[i]
		}
		n -= p
	}
	return nil
}

// addrs lists the ready endpoints of a split's service port, in random order.
func (g *ingress) addrs(s *v1alpha1.IngressBackendSplit) (out []string, h2 bool) {
	svc, err := g.services.Services(s.ServiceNamespace).Get(s.ServiceName)
	if err != nil {
		return nil, false
	}
	var port *corev1.ServicePort
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		if (s.ServicePort.Type == intstr.Int && p.Port == s.ServicePort.IntVal) || (s.ServicePort.Type == intstr.String && p.Name == s.ServicePort.StrVal) {
			port = p
		}
	}
	if port == nil {
		return nil, false
	}
	h2 = strings.HasPrefix(port.Name, "http2") || strings.HasPrefix(port.Name, "h2c") || (port.AppProtocol != nil && strings.HasSuffix(*port.AppProtocol, "h2c"))
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return []string{net.JoinHostPort(svc.Spec.ExternalName, strconv.Itoa(int(port.Port)))}, h2
	}
	ep, err := g.endpoints.Endpoints(s.ServiceNamespace).Get(s.ServiceName)
	if err != nil {
		return nil, h2
	}
	for _, sub := range ep.Subsets {
		for _, p := range sub.Ports {
			if p.Name != port.Name {
				continue
			}
			for _, a := range sub.Addresses {
				out = append(out, net.JoinHostPort(a.IP, strconv.Itoa(int(p.Port))))
			}
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out, h2
}

// splitKey carries the split that was drawn from the handler to RoundTrip:
// ReverseProxy has no other way between the two.
type splitKey struct{}

// RoundTrip tries the split's endpoints in turn while dialing fails.
func (g *ingress) RoundTrip(r *http.Request) (*http.Response, error) {
	s := r.Context().Value(splitKey{}).(*v1alpha1.IngressBackendSplit)
	var last error = errors.New("no ready endpoints for " + s.ServiceNamespace + "/" + s.ServiceName)
	for range 3 {
		addrs, h2 := g.addrs(s)
		rt := g.h1
		if h2 && r.Header.Get("Upgrade") == "" {
			rt = g.h2c
		}
		for _, a := range addrs {
			r.URL.Host = a
			resp, err := rt.RoundTrip(r)
			var op *net.OpError
			if err == nil || !errors.As(err, &op) || op.Op != "dial" {
				return resp, err
			}
			last = err
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, last
}

// handler serves one of the two tables.
func (g *ingress) handler(t *atomic.Pointer[table]) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport:     g,
		FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme = "http"
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
			p.Out.Host = p.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			slog.Warn("upstream", "method", r.Method, "host", r.Host, "path", r.URL.Path, "error", err)
			http.Error(w, "upstream: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := (*t.Load()).match(r)
		if p == nil {
			http.NotFound(w, r)
			return
		}
		if p.redirect && r.TLS == nil {
			http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusMovedPermanently)
			return
		}
		s := pick(p.Splits)
		if s == nil {
			http.Error(w, "no backend", http.StatusServiceUnavailable)
			return
		}
		for _, m := range []map[string]string{p.AppendHeaders, s.AppendHeaders} {
			for k, v := range m {
				r.Header.Set(k, v)
			}
		}
		if p.RewriteHost != "" {
			r.Header.Set("X-Forwarded-Host", r.Host)
			r.Host = p.RewriteHost
		}
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), splitKey{}, s)))
	})
}
