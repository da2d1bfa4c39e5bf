#!/usr/bin/env bash
# clean.sh: the check that a cluster leaves nothing on the machine, however it ends:
# taken down, its "up" interrupted or killed, its nodes killed. It starts and ends
# five clusters in a state folder of its own; the programs have to be built.
set -uo pipefail
HERE=$(dirname "$(readlink -f "$0")")
OUT=$(realpath -m "$HERE/../../out")
mkdir -p "$OUT"
STATE=$(mktemp -d -p "$OUT" clean.XXXXXX)
ID=saccade-e2e-$(cksum <<<"$STATE" | cut -d' ' -f1)
failed=0

# Not exported: what carries it in its environment is the cluster's.
cluster() { SACCADE_E2E_STATE=$STATE "$HERE/cluster" "$@"; }

# traces is everything of the machine that a cluster could have touched.
traces() {
	echo "== mounts" && sort -k5 /proc/self/mountinfo
	echo "== cgroups" && find /sys/fs/cgroup -type d -name "$ID*"
	echo "== interfaces" && ip -o link | cut -d' ' -f2
	echo "== routes" && ip route
	echo "== firewall" && nft list ruleset
	echo "== settings" && sysctl net.ipv4.ip_forward vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops \
		kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.netfilter.nf_conntrack_max 2>/dev/null
	echo "== processes" && ps -eo args | grep -F "$STATE" | grep -v grep
	# By their environment what a node runs, by their cgroups what is in pods.
	local process
	for process in /proc/[0-9]*; do
		if grep -qzxF "SACCADE_E2E_STATE=$STATE" "$process/environ" || grep -qF "$ID" "$process/cgroup"; then
			tr '\0' ' ' <"$process/cmdline" && echo
		fi
	done 2>/dev/null
	echo "== folders" && ls -d /run/* /var/lib/* /var/log/* /etc/* /run/netns/* /var/lib/cni/* "$HOME"/.kube/* 2>/dev/null
	echo "== resolver" && cat /etc/resolv.conf
}

compare() { # SENTENCE
	if traces | diff "$before" -; then
		echo "ok    $1"
	else
		failed=$((failed + 1))
		echo "FAIL  $1: the lines above have changed"
	fi
}
wait_for() { # SECONDS COMMAND...
	local tries=$(($1 * 5))
	until "${@:2}" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.2
	done
}
applied() { cluster in kubectl -n knative-serving get deployment activator; }
still() { ! pgrep -f "$STATE" && [ ! -e "$STATE/n1" ]; }
interrupt() { # SIGNAL: an "up" while its pods are starting
	SACCADE_E2E_STATE=$STATE "$HERE/cluster" up 2 >"$said" 2>&1 &
	local up=$!
	if ! wait_for 180 applied; then
		failed=$((failed + 1))
		echo "FAIL  it never came so far:" && cat "$said"
	fi
	kill "-$1" $up
	wait $up 2>/dev/null
	wait_for 60 still || echo "something still runs"
}

before=$(mktemp) said=$(mktemp)
trap 'cluster down; rm -rf "$before" "$said" "$STATE"' EXIT
trap 'exit 130' INT TERM HUP
traces >"$before"

cluster up 2 >/dev/null || exit 1
during=$(traces | diff "$before" - | cut -d' ' -f2-)
for trace in "$ID-n1" "/run/node/bin/kube kubelet" "kingress"; do # or the rest would prove nothing
	grep -qF -- "$trace" <<<"$during" || { failed=$((failed + 1)); echo "FAIL  this check does not see $trace"; }
done
cluster down
cluster down
compare "up and down, and down again"

interrupt TERM
compare "up is told to stop"

interrupt KILL
compare "up is killed"

cluster up 1 >/dev/null || exit 1
kill -KILL "$(cat "$STATE/n1.pid")"
wait_for 60 still
compare "the node is killed"

cluster up 1 >/dev/null || exit 1
kill -KILL "$(cat "$STATE/n1.keeper")"
cluster down
compare "its keeper is killed, and then it is taken down"
exit $((failed > 0))
