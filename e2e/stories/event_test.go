package stories

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// anEventComesBackFromAFunctionAtZero: broker -> Trigger -> gateway -> function -> reply
// -> broker -> sink. The sink is this test, on the node's own address.
func anEventComesBackFromAFunctionAtZero(s *Story) {
	s.deploy("eye", Quick)
	type event struct {
		header http.Header
		body   []byte
	}
	came := make(chan event, 16)
	sink := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what is missing shows in what is compared
		came <- event{r.Header, body}
		w.WriteHeader(http.StatusAccepted)
	}))
	if err := listenOn(sink, "10.200.0.2:0"); err != nil {
		s.Fatal(err)
	}
	sink.Start()
	defer sink.Close()
	s.apply(fmt.Sprintf(`
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: eyes}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: detect}
spec:
  broker: eyes
  filter: {attributes: {type: dev.saccade.detect.v1}}
  subscriber:
    ref: {apiVersion: v1, kind: Service, name: saccade-gateway, namespace: %s}
    uri: /v1/events
  delivery: {retry: 5, backoffPolicy: exponential, backoffDelay: PT0.5S, timeout: PT2M}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: detected}
spec:
  broker: eyes
  filter: {attributes: {type: dev.saccade.detected.v1}}
  subscriber: {uri: %q}
`, GatewaySpace, sink.URL))
	s.kube("wait", "--for=condition=Ready", "--timeout=60s", "broker/eyes", "trigger/detect", "trigger/detected")
	s.sleeps("eye")

	sent := time.Now()
	broker := "http://broker-ingress.knative-eventing.svc.cluster.local/" + s.Space + "/eyes"
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, broker, bytes.NewReader(s.picture("astronaut.png")))
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": "42", "Ce-Source": "/cameras/gate-7",
		"Ce-Type": "dev.saccade.detect.v1", "Ce-Function": "eye." + s.Space, "Content-Type": "image/png",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatalf("sending the event: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		s.Fatalf("the broker answers %s", resp.Status)
	}
	select {
	case e := <-came:
		s.Table.Add("event, broker to sink, function at zero", short(time.Since(sent)), "")
		var reply Reply
		if err := json.Unmarshal(e.body, &reply); err != nil {
			s.Fatalf("%v: %s", err, e.body)
		}
		s.same(reply.Detections, s.locally("astronaut.png"))
		for name, want := range map[string]string{"Ce-Type": "dev.saccade.detected.v1", "Ce-Causationid": "42", "Ce-Coldstart": "true"} {
			if got := e.header.Get(name); got != want {
				s.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	case <-time.After(2 * time.Minute):
		s.Fatal("no answer came to the sink")
	}
}

// listenOn gives a test server an address that pods can reach.
func listenOn(server *httptest.Server, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server.Listener.Close()
	server.Listener = listener
	return nil
}
