#!/usr/bin/env bash
# clean.sh: the check that a cluster leaves nothing on the machine, however it ends:
# taken down, its "up" interrupted or killed, its nodes killed. It starts and ends
# five clusters in a state folder of its own; the programs have to be built.
set -uo pipefail
HERE=$(dirname "$(readlink -f "$0")")
export SACCADE_E2E_STATE
SACCADE_E2E_STATE=$(mktemp -d -p "$HERE/../../out" clean.XXXXXX)
ID=saccade-e2e-$(cksum <<<"$SACCADE_E2E_STATE" | cut -d' ' -f1)
failed=0

# traces is everything of the machine that a cluster could have touched.
traces() {
	echo "== mounts" && sort -k5 /proc/self/mountinfo
	echo "== cgroups" && find /sys/fs/cgroup -type d -name "$ID*"
	echo "== interfaces" && ip -o link | cut -d' ' -f2
	echo "== routes" && ip route
	echo "== firewall" && nft list ruleset
	echo "== settings" && sysctl net.ipv4.ip_forward vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops \
		kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.netfilter.nf_conntrack_max 2>/dev/null
	echo "== processes" && ps -eo args | grep -F "$SACCADE_E2E_STATE" | grep -v grep
	echo "== processes in other mounts and networks"
	local process
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/ns/net")" = "$(readlink /proc/self/ns/net)" ] ||
			[ "$(readlink "$process/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || tr '\0' ' ' <"$process/cmdline"
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
	local end=$((SECONDS + $1))
	until "${@:2}" >/dev/null 2>&1; do [ $SECONDS -lt $end ] && sleep 0.2 || return 1; done
}
applied() { "$HERE/cluster" in kubectl -n knative-serving get deployment activator; }
still() { ! pgrep -f "$SACCADE_E2E_STATE" && [ ! -e "$SACCADE_E2E_STATE/n1" ]; }
interrupt() { # SIGNAL: an "up" while its pods are starting
	"$HERE/cluster" up 2 >/dev/null 2>&1 &
	local up=$!
	wait_for 180 applied || echo "it never came so far"
	kill "-$1" $up
	wait $up 2>/dev/null
	wait_for 60 still || echo "something still runs"
}

before=$(mktemp)
trap '"$HERE/cluster" down; rm -rf "$before" "$SACCADE_E2E_STATE"' EXIT
traces >"$before"

"$HERE/cluster" up 2 >/dev/null || exit 1
"$HERE/cluster" down
"$HERE/cluster" down
compare "up and down, and down again"

interrupt TERM
compare "up is told to stop"

interrupt KILL
compare "up is killed"

"$HERE/cluster" up 1 >/dev/null || exit 1
kill -KILL "$(cat "$SACCADE_E2E_STATE/n1.pid")"
wait_for 60 still
compare "the node is killed"

"$HERE/cluster" up 1 >/dev/null || exit 1
kill -KILL "$(cat "$SACCADE_E2E_STATE/n1.keeper")"
"$HERE/cluster" down
compare "its keeper is killed, and then it is taken down"
exit $((failed > 0))
