#!/usr/bin/env bash
# node.sh NAME INDEX STATE CACHE CGROUP: the first process of one node. It runs in
# PID, mount and network namespaces of its own (see keep in cluster), so ending this
# one process ends the node: every component, pod, mount, interface and rule of the
# firewall goes with it. Only the cgroups and the files in STATE stay, and those the
# keeper sweeps.
set -euo pipefail
NAME=$1 INDEX=$2 STATE=$3 CACHE=$4 CGROUP=$5
HERE=$(dirname "$(readlink -f "$0")")
IP=10.200.0.$((INDEX + 1)) PODS=10.244.$((INDEX - 1)).0/24
NODES=2

log() { echo "$(date +%T.%3N) $*"; }

# 1. Files. What the node writes lands in STATE/NAME, seen as /run/node, or in memory.
# One bind with a peer group of its own: a mount made below would else show up twice.
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/{node,over,netns,containerd}
mount --bind "$STATE/$NAME" /run/node
mount --make-private /run/node
mount --make-shared /run/node
mkdir -p /run/node/{certs,bin,images,log,cni,hold,pid,settings,models,kubelet}
mount --bind "$STATE/certs" /run/node/certs
mount --bind "$STATE/log/$NAME" /run/node/log
mount --bind -o ro "$CACHE/bin" /run/node/bin
mount --bind -o ro "$CACHE/images" /run/node/images
for dir in /etc /var/lib /var/log; do
	over=/run/over$dir
	mkdir -p "$over"/{upper,work}
	mount -t overlay overlay -o "lowerdir=$dir,upperdir=$over/upper,workdir=$over/work" "$dir"
done
mkdir -p /var/lib/saccade/models # the node cache: the volume saccade-models of every namespace
mount --bind /run/node/models /var/lib/saccade/models
chown 65532:65532 /var/lib/saccade/models
rm -f /etc/resolv.conf # CoreDNS, so that nothing here asks the machine's own resolver
printf 'nameserver 10.96.0.10\noptions timeout:2\n' >/etc/resolv.conf
: >/run/node/no-resolv.conf

# The kubelet would set these for the whole machine; it finds files that already
# read as it wants.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	file=/run/node/settings/$(basename "${setting%=*}")
	echo "${setting#*=}" >"$file"
	mount --bind "$file" "/proc/sys/${setting%=*}"
done

# 2. Network: the first node carries the bridge, the others get a cable to it, and
# nothing leads out.
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
if [ "$INDEX" = 1 ]; then
	dev=br0
	ip link add br0 type bridge
	ip link add up0 type veth peer name up1 # a port, so that the bridge has a carrier
	ip link set up1 master br0
	ip link set up0 up
	ip link set up1 up
else
	dev=eth0
	until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done # boot plugs it in
fi
ip addr add "$IP/24" dev $dev
ip link set $dev up
# Service addresses need a route before kube-proxy's rules see them.
ip route add 10.96.0.0/16 dev $dev src "$IP"
for ((i = 1; i <= NODES; i++)); do
	[ "$i" = "$INDEX" ] || ip route add "10.244.$((i - 1)).0/24" via "10.200.0.$((i + 1))" dev $dev src "$IP"
done

# 3. cgroups: one below which all pods live. With version 1 in every hierarchy.
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
	mkdir -p "/sys/fs/cgroup$CGROUP"
else
	for hierarchy in /sys/fs/cgroup/{cpu,cpuacct,cpuset,memory,devices,freezer,blkio,pids,systemd}; do
		mkdir -p "$hierarchy$CGROUP"
	done
	for file in cpuset.cpus cpuset.mems; do
		cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset$CGROUP/$file"
	done
fi

for file in kubelet.yaml proxy.yaml cni.conflist; do
	sed "s|@NAME@|$NAME|; s|@IP@|$IP|; s|@PODS@|$PODS|; s|@CGROUP@|$CGROUP|" "$HERE/node/$file" >"/run/node/$file"
done
mv /run/node/cni.conflist /run/node/cni/10-pods.conflist

# 4. Programs. A component that ends is started again, unless hold/NAME is there.
run() { # NAME COMMAND...
	local name=$1
	shift
	while :; do
		while [ -e "/run/node/hold/$name" ]; do sleep 0.2; done
		"$@" >>"/run/node/log/$name.log" 2>&1 &
		echo $! >"/run/node/pid/$name"
		wait $! && code=0 || code=$?
		log "$name ended ($code)"
		sleep 1
	done &
}
kube() { run "$1" /run/node/bin/kube "$@"; }
trap 'exit 0' TERM
certs=/run/node/certs
cd /run/node

run containerd containerd -c "$HERE/node/containerd.toml"
if [ "$INDEX" = 1 ]; then
	kube etcd --name e2e --data-dir /run/node/etcd --unsafe-no-fsync --log-level warn \
		--listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
		--initial-cluster e2e=http://127.0.0.1:2380
	# The two tolerations: the pods of a dead node move in seconds, not in minutes.
	kube apiserver --etcd-servers=http://127.0.0.1:2379 \
		--advertise-address="$IP" --bind-address=0.0.0.0 --secure-port=6443 --service-cluster-ip-range=10.96.0.0/16 \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true --profiling=false \
		--client-ca-file=$certs/ca.crt --tls-cert-file=$certs/apiserver.crt --tls-private-key-file=$certs/apiserver.key \
		--kubelet-client-certificate=$certs/apiserver-kubelet.crt --kubelet-client-key=$certs/apiserver-kubelet.key \
		--kubelet-certificate-authority=$certs/ca.crt --kubelet-preferred-address-types=InternalIP \
		--service-account-issuer=https://kubernetes.default.svc.cluster.local \
		--service-account-key-file=$certs/sa.pub --service-account-signing-key-file=$certs/sa.key \
		--requestheader-client-ca-file=$certs/ca.crt --requestheader-allowed-names=front-proxy \
		--requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group \
		--requestheader-username-headers=X-Remote-User \
		--proxy-client-cert-file=$certs/proxy-client.crt --proxy-client-key-file=$certs/proxy-client.key \
		--default-not-ready-toleration-seconds=5 --default-unreachable-toleration-seconds=5
fi

until ctr version >/dev/null 2>&1; do sleep 0.1; done
(
	# The pause image first: no pod starts without it.
	for image in /run/node/images/pause-1.tar /run/node/images/*.tar; do
		ctr -n k8s.io images import --snapshotter overlayfs "$image" >/dev/null || log "importing $image failed"
	done
	touch /run/node/imported
	log "images imported"
) &

# The rest exits where it starts before the roles are there.
until curl -sf --cacert $certs/ca.crt https://10.200.0.2:6443/readyz >/dev/null; do sleep 0.2; done
log "apiserver ready"
if [ "$INDEX" = 1 ]; then
	as() { echo --kubeconfig="$certs/$1.kubeconfig" --authentication-kubeconfig="$certs/$1.kubeconfig" --authorization-kubeconfig="$certs/$1.kubeconfig"; }
	kube controller-manager $(as controller-manager) --leader-elect=false --bind-address=127.0.0.1 \
		--root-ca-file=$certs/ca.crt --service-account-private-key-file=$certs/sa.key --use-service-account-credentials \
		--kube-api-qps=100 --kube-api-burst=200 --node-monitor-period=2s --node-monitor-grace-period=12s \
		--horizontal-pod-autoscaler-sync-period=3s --horizontal-pod-autoscaler-initial-readiness-delay=5s
	kube scheduler $(as scheduler) --leader-elect=false --bind-address=127.0.0.1 --kube-api-qps=100 --kube-api-burst=200
	# Kubernetes' autoscaler wants to know in seconds, not in quarters of a minute.
	kube metrics-server --kubeconfig=$certs/admin.kubeconfig --secure-port=4443 --cert-dir=/run/node/metrics --metric-resolution=10s
fi
kube kubelet --config=/run/node/kubelet.yaml --kubeconfig="$certs/$NAME.kubeconfig" \
	--hostname-override="$NAME" --node-ip="$IP" --root-dir=/run/node/kubelet --v=2
kube proxy --config=/run/node/proxy.yaml
run policy /run/node/bin/policy --node "$NAME" --kubeconfig $certs/admin.kubeconfig

# The shims leave their children to PID 1, which has to reap them.
while :; do
	wait -n || true
	sleep 0.2
done
