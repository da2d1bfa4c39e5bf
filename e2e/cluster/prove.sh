#!/usr/bin/env bash
# prove.sh: the checks of a cluster that is up, without anything of Saccade on it:
# Serving, Eventing, and what our stories need beside them. Each prints what it
# measured. Ends with "N passed, N failed".
set -uo pipefail
CLUSTER=$(dirname "$(readlink -f "$0")")/cluster
STATE=$(realpath -m "$SACCADE_E2E_STATE")
SPACE=prove HOST=hello.prove.e2e.test
passed=0 failed=0 note=

in_() { "$CLUSTER" in "$@"; }
k() { in_ kubectl -n $SPACE "$@"; }
load() { note=$(in_ load "$@"); }
check() { # SENTENCE COMMAND...
	local sentence=$1 began=${EPOCHREALTIME/./}
	shift
	note=
	if "$@"; then passed=$((passed + 1)) word='ok  '; else failed=$((failed + 1)) word=FAIL; fi
	printf '%s %6d ms  %s%s\n' "$word" $(((${EPOCHREALTIME/./} - began) / 1000)) "$sentence" "${note:+
                $note}"
}
within() { # SECONDS COMMAND...
	local tries=$(($1 * 5))
	shift
	until "$@"; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.2
	done
}
says() { grep -qF -- "$1" <<<"$note"; } # whether the load's line has it

ready() { # SERVICE: ready, as it is declared now
	[ "$(k get ksvc "$1" -o jsonpath='{.metadata.generation} {.status.observedGeneration} {.status.conditions[?(@.type=="Ready")].status}' |
		awk '{print ($1 == $2) $3}')" = 1True ]
}
pods() { # SERVICE: name, address and node of each pod that is not ending
	k get pods -l "serving.knative.dev/service=$1" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{.status.podIP}} {{.spec.nodeName}}{{"\n"}}{{end}}{{end}}'
}
asleep() { local list && list=$(pods "$1") && [ -z "$list" ]; } # a pod that ends drains for 30 s
service() { # NAME IMAGE [more of the spec]
	k apply -f - >/dev/null 2>&1 <<-Y
		apiVersion: serving.knative.dev/v1
		kind: Service
		metadata: {name: $1}
		spec:
		  template:
		    metadata:
		      annotations: {autoscaling.knative.dev/window: 6s, autoscaling.knative.dev/target: "2", autoscaling.knative.dev/max-scale: "6"}
		    spec:
		      ${4:-}
		      containers:
		        - image: dev.local/$2
		          ports: [{containerPort: 8080}]
		          ${5:-}
		  ${3:-}
	Y
}
ask() { in_ curl -sf -m 20 -H "Host: $HOST" "http://10.96.0.80/$1"; }

becomes_ready() { service "$@" && within 60 ready "$1"; }
answers() { load -host $HOST -n 1 && says '200:1]'; }
answers_locally() { in_ curl -sf -m 20 http://hello.$SPACE.svc.cluster.local/ | grep -q 'hello v1'; }
wakes_for_twenty() { within 90 asleep hello && load -host $HOST -n 20 -c 20 && says '200:20]'; }
warm() { load -host $HOST -n 2000 -c 2 && says '200:2000]'; }
scales_out() {
	load -host $HOST -url 'http://10.96.0.80/?sleep=500' -n 300 -c 16 && says '200:300]' &&
		[ "$(sed 's/.*pods=\([0-9]*\).*/\1/' <<<"$note")" -ge 3 ]
}
splits() {
	load -host $HOST -n 2000 -c 4
	local got
	got=$(grep -o 'hello-00002:[0-9]*' <<<"$note" | cut -d: -f2)
	[ "${got:-0}" -gt 120 ] && [ "$got" -lt 280 ]
}
tags() {
	local tag
	for tag in stable:hello-00001 canary:hello-00002; do
		in_ curl -sf -H "Host: ${tag%:*}-$HOST" http://10.96.0.80/ | grep -q "rev=${tag#*:}" || return 1
	done
}
rolls_back() {
	becomes_ready hello hello:v2 'traffic: [{revisionName: hello-00001, percent: 100}]' &&
		load -host $HOST -n 300 -c 2 && says 'revisions=map[hello-00001:300]'
}
refused() { [ "$(k get revision "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = False ]; }
bad_revision() {
	becomes_ready bad hello:v1 || return 1
	k patch ksvc bad --type merge -p '{"spec":{"template":{"metadata":{"annotations":{"serving.knative.dev/progress-deadline":"10s"}},"spec":{"containers":[{"image":"dev.local/nosuch:v9"}]}}}}' >/dev/null 2>&1
	within 60 refused bad-00002 && load -host bad.$SPACE.e2e.test -n 50 && says '[bad-00001:50]'
}
loses_a_pod() {
	answers || return 1
	k delete pod "$(pods hello | head -1 | cut -d' ' -f1)" --wait=false >/dev/null
	load -host $HOST -n 1000 -c 2 && says '200:1000]'
}
restarted() { [ "$(k get pods -l serving.knative.dev/service=hello -o 'jsonpath={.items[*].status.containerStatuses[?(@.name=="user-container")].restartCount}' | tr ' ' '\n' | sort -n | tail -1)" -ge 1 ]; }
crashes() {
	within 90 asleep hello && answers || return 1
	"$CLUSTER" on "$(pods hello | head -1 | cut -d' ' -f3)" pkill -KILL -n -x hello && within 30 restarted && within 30 answers
}
passes_an_event() {
	in_ curl -sf -i -H "Host: $HOST" -H 'Ce-Id: 42' -H 'Ce-Specversion: 1.0' -H 'Ce-Type: test.ping' -H 'Ce-Source: /prove' \
		-H 'Content-Type: application/json' -d '{}' http://10.96.0.80/ | grep -qi 'ce-id: re-42'
}
eventing() {
	service sink hello:v2
	k apply -f - >/dev/null <<-Y
		apiVersion: eventing.knative.dev/v1
		kind: Broker
		metadata: {name: default}
		---
		apiVersion: eventing.knative.dev/v1
		kind: Trigger
		metadata: {name: ping}
		spec:
		  broker: default
		  filter: {attributes: {type: test.ping}}
		  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: hello}}
		---
		apiVersion: eventing.knative.dev/v1
		kind: Trigger
		metadata: {name: reply}
		spec:
		  broker: default
		  filter: {attributes: {type: re.test.ping}}
		  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: sink}}
	Y
	k wait --for=condition=Ready --timeout=60s broker/default trigger/ping trigger/reply ksvc/sink >/dev/null
}
event_round() {
	within 90 asleep sink && within 90 asleep hello || return 1
	in_ curl -sf -X POST -H 'Ce-Id: 42' -H 'Ce-Specversion: 1.0' -H 'Ce-Type: test.ping' -H 'Ce-Source: /prove' \
		-H 'Content-Type: application/json' -d '{}' http://broker-ingress.knative-eventing.svc.cluster.local/$SPACE/default || return 1
	within 60 awake sink
}
awake() { [ -n "$(pods "$1")" ]; }

node_cache() {
	"$CLUSTER" models $SPACE >/dev/null || return 1
	becomes_ready hello hello:v1 'traffic: [{latestRevision: true, percent: 100}]' \
		'volumes: [{name: models, persistentVolumeClaim: {claimName: saccade-models}}]' \
		'volumeMounts: [{name: models, mountPath: /var/cache/saccade}]' || return 1
	ask '?write=/var/cache/saccade/proof' | grep -q uid=65532 && cat "$STATE"/n?/models/proof >/dev/null
}
no_way_out() {
	ask '?dial=127.0.0.1:8080' >/dev/null || return 1 # or the next line would prove nothing
	! ask '?dial=192.0.2.1:80' >/dev/null && ! in_ ip route get 192.0.2.1 >/dev/null 2>&1
}

policy() { # NAME DIRECTION: closes one direction of hello's pods
	k apply -f - >/dev/null <<-Y
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {name: $1}
		spec: {podSelector: {matchLabels: {serving.knative.dev/service: $1}}, policyTypes: [$2]}
	Y
}
reaches() { in_ curl -sf -m 5 -o /dev/null -H "Host: probe.$SPACE.e2e.test" "http://10.96.0.80/?dial=$1"; }
unreachable() { ! reaches "$1"; }
policies() {
	becomes_ready probe hello:v1 && becomes_ready target hello:v1 || return 1
	in_ curl -sf -o /dev/null -H "Host: target.$SPACE.e2e.test" http://10.96.0.80/ || return 1
	local target
	target=$(pods target | head -1 | cut -d' ' -f2):8080
	note="open" && reaches "$target" || return 1
	note="ingress closed" && policy target Ingress && within 5 unreachable "$target" || return 1
	k delete networkpolicy target >/dev/null
	note="open again" && within 5 reaches "$target" || return 1
	note="API server reachable" && reaches 10.96.0.1:443 || return 1
	note="egress closed" && policy probe Egress && within 5 unreachable 10.96.0.1:443 || return 1
	k delete networkpolicy probe >/dev/null
	note="closed and opened, both ways"
}

gpu_pod() {
	k apply -f - >/dev/null <<-Y
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers: [{name: app, image: "dev.local/hello:v1", resources: {limits: {nvidia.com/gpu: 1}}}]
	Y
}
waits() { k get pod gpu-2 -o jsonpath='{.status.conditions[?(@.type=="PodScheduled")].message}' | grep -q 'Insufficient nvidia.com/gpu'; }
gpu() {
	"$CLUSTER" gpu n1 1 >/dev/null && gpu_pod gpu-1 && k wait --for=condition=Ready --timeout=30s pod/gpu-1 >/dev/null &&
		gpu_pod gpu-2 && within 10 waits
	local code=$?
	k delete pod gpu-1 gpu-2 --ignore-not-found >/dev/null
	"$CLUSTER" gpu n1 0 >/dev/null
	return $code
}

serving_pods() { in_ kubectl -n knative-serving get pods -o 'jsonpath={.items[*].metadata.uid} {.items[*].status.containerStatuses[*].restartCount}'; }
apiserver_away() {
	answers || return 1
	local before line
	line=$(mktemp)
	before=$(serving_pods)
	in_ load -host $HOST -c 1 -for 75s >"$line" &
	local job=$!
	"$CLUSTER" stop apiserver
	sleep 30
	"$CLUSTER" start apiserver
	wait $job
	note=$(cat "$line")
	rm -f "$line"
	[[ $note =~ statuses=map\[200:[0-9]+\] ]] && [ "$(serving_pods)" = "$before" ] &&
		service after hello:v1 && within 120 ready after
}

nodes() { in_ kubectl get nodes --no-headers | wc -l; }
drains() { "$CLUSTER" drain n2 >/dev/null 2>&1 && answers && in_ kubectl uncordon n2 >/dev/null; }
notready() { [ "$(in_ kubectl get node n2 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" != True ]; }
plug_pulled() { # with the service's only pod on it
	within 90 asleep hello && in_ kubectl cordon n1 >/dev/null && answers
	local code=$?
	in_ kubectl uncordon n1 >/dev/null
	[ $code = 0 ] && [ "$(pods hello | cut -d' ' -f3)" = n2 ] || return 1
	"$CLUSTER" end n2 && within 40 notready && within 120 answers && "$CLUSTER" boot n2
}

trap 'k delete ksvc,broker,trigger --all --wait=false >/dev/null 2>&1; in_ kubectl delete namespace $SPACE --wait=false >/dev/null 2>&1
	in_ kubectl delete pv saccade-models-$SPACE --ignore-not-found --wait=false >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM HUP
in_ kubectl delete namespace $SPACE --ignore-not-found >/dev/null
in_ kubectl create namespace $SPACE >/dev/null || exit 1

check "a service becomes ready" becomes_ready hello hello:v1
check "its public host answers" answers
check "its cluster-local name answers" answers_locally
check "idle, it goes to zero" within 90 asleep hello
check "it starts from zero" answers
check "20 at once from zero are all answered" wakes_for_twenty
check "2000 warm requests are answered" warm
check "16 at a time have it scale out to 3 pods or more, and none is lost" scales_out
check "a second revision becomes ready" becomes_ready hello hello:v2 'traffic: [{revisionName: hello-00001, percent: 90, tag: stable}, {latestRevision: true, percent: 10, tag: canary}]'
check "90 to 10 is 90 to 10" splits
check "tags have hosts of their own" tags
check "back to the first revision" rolls_back
check "a revision without an image fails, and the one before serves on" bad_revision
check "a pod is deleted under load, and no request is lost" loses_a_pod
check "the program is killed, and comes back" crashes
check "a CloudEvent passes through" passes_an_event
check "broker, triggers and sink become ready" eventing
check "one event wakes the service, and its reply the sink" event_round
check "the node cache can be written by user 65532" node_cache
check "nothing leads out" no_way_out
check "network policies are in force" policies
check "of two pods for one GPU, one waits and says why" gpu
check "the API server is away for 30 s, and no request is lost" apiserver_away
if [ "$(nodes)" = 2 ]; then
	check "a node is drained, and the service answers" drains
	check "a node's plug is pulled, the service answers, and the node comes back" plug_pulled
fi
echo "$passed passed, $failed failed in $SECONDS s"
[ $failed = 0 ]
