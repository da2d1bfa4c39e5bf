package oip

import (
	"encoding/json"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// Patterns are what a Door answers, as http.ServeMux reads them, for servers that
// take it in beside their own pages.
func Patterns() []string {
	return []string{
		"/v2", "/v2/", "/inference.GRPCInferenceService/", "/grpc.health.v1.Health/",
		"/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/",
	}
}

// answerer answers a request, or says why not.
type answerer func(w http.ResponseWriter, r *http.Request) error

func (d *Door) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]answerer{
		"GET /v2":              d.serveMetadata,
		"GET /v2/{$}":          d.serveMetadata,
		"GET /v2/health/live":  func(http.ResponseWriter, *http.Request) error { return nil },
		"GET /v2/health/ready": func(http.ResponseWriter, *http.Request) error { return d.ready() },

		"GET /v2/models/{model}":                           d.serveModel,
		"GET /v2/models/{model}/versions/{version}":        d.serveModel,
		"GET /v2/models/{model}/ready":                     d.serveModelReady,
		"GET /v2/models/{model}/versions/{version}/ready":  d.serveModelReady,
		"POST /v2/models/{model}/infer":                    d.serveInfer,
		"POST /v2/models/{model}/versions/{version}/infer": d.serveInfer,
		"POST /v2/repository/index":                        d.serveIndex,
		"POST /v2/repository/models/{model}/load":          d.serveLoad,
		"POST /v2/repository/models/{model}/unload":        d.serveUnload,
		"/v2/": nothing,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				d.refuse(w, r, err)
			}
		})
	}
	return mux
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		d.serveWithin(w, r)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		if fault := recover(); fault != nil {
			d.options.Log.Error("request panicked", "fault", fault, "stack", string(debug.Stack()))
			d.refuse(w, r, functions.Errorf(functions.Internal, ""))
		}
	}()
	d.rest.ServeHTTP(w, r)
}

// serveWithin answers gRPC in a connection of an HTTP server.
func (d *Door) serveWithin(w http.ResponseWriter, r *http.Request) {
	free, there := d.places.take()
	if !there {
		// A refusal before there is a call is said in headers alone (gRPC over HTTP/2,
		// Responses, Trailers-Only).
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", strconv.Itoa(int(status.Code(errCrowded))))
		w.Header().Set("Grpc-Message", status.Convert(errCrowded).Message())
		return
	}
	defer free()
	d.within.ServeHTTP(w, r.WithContext(withPlace(r.Context(), free)))
}

// refuse answers in the protocol's form: {"error": "..."}.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	d.report(r.Context(), r.URL.Path, err)
	if e := retryAfter(err); e > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(problem.Seconds(e)))
	}
	answer(w, problem.Of(err).Status, struct {
		Error string `json:"error"`
	}{said(err)})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone if this fails
}

// nothing answers for what is not there, and for extensions that are not served.
func nothing(_ http.ResponseWriter, r *http.Request) error {
	for part, what := range map[string]string{
		"/v2/systemsharedmemory": "the shared memory extensions are",
		"/v2/cudasharedmemory":   "the shared memory extensions are",
		"/v2/trace":              "the trace extension is",
		"/v2/logging":            "the logging extension is",
	} {
		if strings.HasPrefix(r.URL.Path, part) {
			return functions.Errorf(functions.NotFound, "%s not served", what)
		}
	}
	return functions.Errorf(functions.NotFound, "there is no %.16s %.256s", r.Method, r.URL.Path)
}

// serverMetadata is who answers.
type serverMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

func (d *Door) metadata() serverMetadata {
	m := serverMetadata{"saccade", d.options.Version, []string{"binary_tensor_data", "parameters"}}
	if d.options.Repository != nil {
		m.Extensions = append(m.Extensions, "model_repository")
	}
	return m
}

func (d *Door) serveMetadata(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, d.metadata())
	return nil
}

// modelMetadata is what a model takes and gives.
func (d *Door) modelMetadata(name, version string) (description, error) {
	to, release, err := d.models.take(name, version)
	if err != nil {
		return description{}, err
	}
	defer release()
	return to.describe()
}

func (d *Door) serveModel(w http.ResponseWriter, r *http.Request) error {
	m, err := d.modelMetadata(r.PathValue("model"), r.PathValue("version"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, m)
	return nil
}

// modelReady is nil where the model would answer now.
func (d *Door) modelReady(name, version string) error {
	to, release, err := d.models.take(name, version)
	if err != nil {
		return err
	}
	defer release()
	if d.isDraining() {
		return errStops
	}
	return to.Server.Ready()
}

func (d *Door) serveModelReady(_ http.ResponseWriter, r *http.Request) error {
	return d.modelReady(r.PathValue("model"), r.PathValue("version"))
}

func (d *Door) serveIndex(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Ready bool `json:"ready"`
	}
	if err := d.small(w, r, &ask); err != nil {
		return err
	}
	list, err := d.models.index(ask.Ready)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (d *Door) serveLoad(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Parameters parameters `json:"parameters"`
	}
	if err := d.small(w, r, &ask); err != nil {
		return err
	}
	if len(ask.Parameters) > 0 {
		return errLoadParameters
	}
	return d.models.load(r.Context(), r.PathValue("model"))
}

func (d *Door) serveUnload(w http.ResponseWriter, r *http.Request) error {
	if err := d.small(w, r, &struct{}{}); err != nil { // its parameters concern ensembles
		return err
	}
	return d.models.unload(r.Context(), r.PathValue("model"))
}

// errLoadParameters refuses what would replace a model's files or settings.
var errLoadParameters error = functions.Errorf(functions.Invalid,
	"a model is loaded as it lies in the repository; parameters with its config or files are not served")

// small reads the body of a request about the repository, which may be empty.
func (d *Door) small(w http.ResponseWriter, r *http.Request, into any) error {
	text, err := d.read(w, r, mostParameters)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return malformed("the request is not the JSON that the repository's extension has", err)
	}
	return nil
}
