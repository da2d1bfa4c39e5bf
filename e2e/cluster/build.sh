#!/usr/bin/env bash
# build.sh DIR: builds every program of the cluster from Go modules alone, and leaves
# in DIR
#   bin/        what runs on a node itself
#   images/     what runs in pods, as docker archives
#   manifests/  what Knative's modules ship, with the images named as above
# build.sh conformance DIR: adds the ingress conformance suite to a DIR built before.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
# Kubernetes tells its version from these; Knative asks for it and refuses an old one.
KUBE=1.35.4
VERSION="-X k8s.io/component-base/version.gitVersion=v$KUBE -X k8s.io/component-base/version.gitMajor=${KUBE%%.*}
	-X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<$KUBE) -X k8s.io/component-base/version.gitTreeState=clean"
EVENTING="broker/filter broker/ingress controller in_memory/channel_controller in_memory/channel_dispatcher jobsink mtchannel_broker webhook"

part() { # TITLE MODULE ARGUMENTS...: go build in MODULE; says every 30 seconds how far it is
	local title=$1 module=$2 began=$SECONDS log=$tmp/log job code=0
	shift 2
	: >"$log"
	(cd "$HERE/$module" && exec nice -n 5 go "$@") >"$log" 2>&1 &
	job=$!
	printf 'building %s\n' "$title"
	until ! kill -0 $job 2>/dev/null; do
		sleep 1
		[ $(((SECONDS - began) % 30)) != 29 ] || printf '  %4d s, %d packages\n' $((SECONDS - began)) "$(grep -vc '^go: ' "$log")"
	done
	wait $job || code=$?
	[ $code = 0 ] || { cat "$log" >&2; return $code; }
	printf '  %4d s\n' $((SECONDS - began))
}
programs() { part "$1" "$2" build -v -ldflags "-s -w $VERSION" -o "$3/" "${@:4}"; }

image() { # NAME PROGRAM [mkimage flags]: the image dev.local/NAME with one program in it
	local program=/app/${2##*/}
	"$tmp/mkimage" -o "$DIR/images/${1/:/-}.tar" -t "dev.local/$1" "${@:3}" -file "$2:$program" "$program"
}

join() { for file; do
	echo '---'
	cat "$file"
done; }

# ko://knative.dev/eventing/cmd/a_b/c -> dev.local/eventing-a-b-c:1. Requests are lowered
# so that two cores have room for functions; limits stay as they are. Readiness is asked
# for at once: one of Eventing's waits for 20 seconds otherwise.
localize() {
	awk -v FS= '
		match($0, /ko:\/\/knative.dev\/[^" ]+/) {
			name = substr($0, RSTART + 17, RLENGTH - 17)
			sub(/\/cmd\//, "-", name); gsub(/[\/_]/, "-", name)
			$0 = substr($0, 1, RSTART - 1) "dev.local/" name ":1" substr($0, RSTART + RLENGTH)
		}
		/requests:/ { low = 1 }
		/limits:/ { low = 0 }
		low && /cpu:/ { sub(/cpu: .*/, "cpu: 20m") }
		/readinessProbe:/ { ask = 1 }
		/livenessProbe:/ { ask = 0 }
		ask && /initialDelaySeconds:/ { sub(/: .*/, ": 1"); ask = 0 }
		{ print }'
}

manifests() {
	dir() { (cd "$HERE/knative" && go list -m -f '{{.Dir}}' "knative.dev/$1"); }
	local s n c e out=$DIR/manifests
	s=$(dir serving)/config/core n=$(dir networking)/config c=$(dir caching)/config e=$(dir eventing)/config
	join "$n"/{certificate,domain-claim,ingress,serverlessservice}.yaml "$c"/image.yaml "$s"/300-resources/*.yaml \
		"$e"/core/resources/*.yaml "$e"/channels/in-memory-channel/resources/*.yaml >"$out/crds.yaml"
	join "$s"/100-namespace.yaml "$e"/core/100-namespace.yaml >"$out/namespaces.yaml"
	join "$s"/200-roles/*.yaml "$s"/200-serviceaccount.yaml "$s"/configmaps/*.yaml "$n"/config-network.yaml "$s"/999-cache.yaml \
		"$s"/deployments/{activator,autoscaler,controller,webhook}.yaml "$s"/../hpa-autoscaling/controller.yaml "$s"/webhooks/*.yaml | localize >"$out/serving.yaml"
	local m=$e/channels/in-memory-channel b=$e/brokers/mt-channel-broker
	join "$e"/core/200-*.yaml "$e"/core/roles/*.yaml "$e"/core/configmaps/*.yaml \
		"$e"/core/deployments/{controller,webhook,job-sink}.yaml "$e"/core/webhooks/*.yaml \
		"$m"/200-*.yaml "$m"/roles/*.yaml "$m"/configmaps/*.yaml "$m"/deployments/*.yaml "$m"/webhooks/*.yaml \
		"$b"/roles/*.yaml "$b"/deployments/{controller,broker-filter,broker-ingress}.yaml | localize >"$out/eventing.yaml"
}

all() {
	mkdir -p "$DIR"/{bin,images,manifests}
	programs "tools (1 of 6)" tools "$tmp" ./mkimage ./pause ./hello ./load
	mv "$tmp/load" "$DIR/bin/"
	programs "Kubernetes (2 of 6; the longest)" kube "$DIR/bin" . k8s.io/kubernetes/cmd/kubectl
	programs "CoreDNS (3 of 6)" coredns "$tmp" .
	programs "Knative Serving (4 of 6)" knative "$tmp" knative.dev/serving/cmd/{activator,autoscaler,autoscaler-hpa,controller,queue,webhook}
	programs "ingress and network policy (5 of 6)" knative "$tmp" ./cmd/kingress ./cmd/policy
	mv "$tmp/policy" "$DIR/bin/"
	image pause:1 "$tmp/pause"
	image coredns:1 "$tmp/coredns"
	image kingress:1 "$tmp/kingress"
	for name in activator autoscaler autoscaler-hpa controller queue webhook; do image serving-$name:1 "$tmp/$name"; done
	for version in v1 v2; do image "hello:$version" "$tmp/hello" -env TARGET=$version; done
	# Serving's programs and Eventing's share names, so each of these is built by itself.
	local command
	for command in $EVENTING; do
		part "Knative Eventing $command (6 of 6)" knative build -v -ldflags "-s -w" -o "$tmp/program" "knative.dev/eventing/cmd/$command"
		image "eventing-$(tr /_ -- <<<"$command"):1" "$tmp/program"
	done
	manifests
	printf 'built in %d min %d s: %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$(du -sh "$DIR" | cut -f1)"
}

conformance() {
	programs "the image packer" tools "$tmp" ./mkimage
	programs "images of the ingress conformance suite" knative "$tmp" knative.dev/networking/test/test_images/{runtime,httpproxy,timeout,wsserver,grpc-ping,retry}
	mkdir -p "$DIR/conformance"
	for name in runtime httpproxy timeout wsserver grpc-ping retry; do
		image "$name:1" "$tmp/$name"
		mv "$DIR/images/$name-1.tar" "$DIR/conformance/"
	done
	part "ingress conformance suite" knative test -v -c -tags e2e -o "$DIR/conformance/suite" knative.dev/networking/test/conformance/ingress
}

what=all
[ "$1" != conformance ] || { what=conformance; shift; }
mkdir -p "$1"
DIR=$1 tmp=$(mktemp -d "$1/tmp.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
$what
