#!/usr/bin/env bash
# certs.sh DIR NODES: one CA, and every certificate and kubeconfig of a cluster of at
# most NODES nodes, in DIR. The kubeconfigs name their files by relative paths, so
# that DIR may be mounted anywhere.
set -euo pipefail
mkdir -p "$1"
chmod 700 "$1"
cd "$1"
nodes=$2
api=10.200.0.2

quiet() { "$@" 2>openssl.log || { cat openssl.log >&2; return 1; }; }

issue() { # NAME SUBJECT [ALTERNATIVE NAMES]
	quiet openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -subj "$2" -out "$1.csr"
	quiet openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" -extfile <(
		printf 'extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n%s\n' "${3:+subjectAltName=$3}"
	)
	rm "$1.csr"
}

user() { # NAME SUBJECT [ALTERNATIVE NAMES]: a certificate, and the kubeconfig that uses it
	issue "$@"
	cat >"$1.kubeconfig" <<-K
		apiVersion: v1
		kind: Config
		clusters: [{name: e2e, cluster: {server: "https://$api:6443", certificate-authority: ca.crt}}]
		users: [{name: $1, user: {client-certificate: $1.crt, client-key: $1.key}}]
		contexts: [{name: e2e, context: {cluster: e2e, user: $1}}]
		current-context: e2e
	K
}

quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -days 365 -subj /CN=e2e-ca -out ca.crt
names=DNS:localhost,IP:127.0.0.1,IP:$api,IP:10.96.0.1
for name in kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local; do
	names+=,DNS:$name
done
issue apiserver /CN=kube-apiserver "$names"
issue apiserver-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client
issue proxy-client /CN=front-proxy
user admin /O=system:masters/CN=admin
user controller-manager /CN=system:kube-controller-manager
user scheduler /CN=system:kube-scheduler
user proxy /CN=system:kube-proxy
for ((i = 1; i <= nodes; i++)); do
	user "n$i" "/O=system:nodes/CN=system:node:n$i" "DNS:n$i,IP:10.200.0.$((i + 1))"
done
quiet openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out sa.key
quiet openssl pkey -in sa.key -pubout -out sa.pub
rm -f openssl.log
