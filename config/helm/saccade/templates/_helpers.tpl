{{/* The labels of an object. A dict: root, name. */}}
{{- define "saccade.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: saccade
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "saccade.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* A container that may do nothing. */}}
{{- define "saccade.harmless" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "saccade.user" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Whether some request needs no credential. */}}
{{- define "saccade.open" -}}
{{- if or .Values.access.open (and .Values.eventing.enabled (eq .Values.eventing.identity "network")) }}true{{ end }}
{{- end }}

{{/* The Secret with the keys, or nothing. */}}
{{- define "saccade.keysSecret" -}}
{{- if .Values.access.keys }}saccade-keys{{ else if not .Values.access.open }}{{ .Values.access.keysSecret }}{{ end }}
{{- end }}

{{/* The gateway's configuration: what the values amount to, and config over it. */}}
{{- define "saccade.config" -}}
{{- $access := dict -}}
{{- if include "saccade.keysSecret" . }}{{ $_ := set $access "keysFile" "/etc/saccade/keys/keys.yaml" }}{{ end -}}
{{- if include "saccade.open" . }}{{ $_ := set $access "open" true }}{{ end -}}
{{- if and (include "saccade.open" .) (not .Values.access.open) }}{{ $_ := set $access "anyone" (dict "scopes" (list "detect")) }}{{ end -}}
{{- if and .Values.eventing.enabled (eq .Values.eventing.identity "oidc") -}}
{{- $sender := printf "system:serviceaccount:%s:saccade-detect-oidc-eventing.knative.dev-trigger" .Release.Namespace -}}
{{- $token := "/var/run/secrets/kubernetes.io/serviceaccount" -}}
{{- $_ := set $access "issuers" (list (dict
    "url" .Values.eventing.oidc.issuer "jwksURL" .Values.eventing.oidc.jwksURL
    "caFile" (printf "%s/ca.crt" $token) "tokenFile" (printf "%s/token" $token)
    "audiences" (list .Values.eventing.oidc.audience) "subjects" (list $sender) "scopes" (list "detect"))) -}}
{{- end -}}
{{- if .Values.tls.secretName }}{{ $_ := set $access "tls" (dict "certFile" "/etc/saccade/tls/tls.crt" "keyFile" "/etc/saccade/tls/tls.key") }}{{ end -}}
{{- $jobs := dict -}}
{{- if eq .Values.jobs.store "none" }}{{ $_ := set $jobs "off" true }}{{ end -}}
{{- if eq .Values.jobs.store "volume" }}{{ $_ := set $jobs "dir" "/var/lib/saccade/jobs" }}{{ end -}}
{{- if eq .Values.jobs.store "nats" -}}
{{- $_ := set $jobs "url" .Values.jobs.nats.url -}}
{{- $_ := set $jobs "replicas" .Values.jobs.nats.replicas -}}
{{- if .Values.jobs.nats.credentialsSecret }}{{ $_ := set $jobs "credentials" "/etc/saccade/nats/user.creds" }}{{ end -}}
{{- end -}}
{{- $config := dict "listen" "0.0.0.0:8080" "cache" "/var/cache/saccade" "drain" "30s" "linger" "5s" "access" $access "jobs" $jobs -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end }}

{{/* What cannot go together. */}}
{{- define "saccade.check" -}}
{{- if and .Values.autoscaling.enabled (eq .Values.jobs.store "volume") }}{{ fail "jobs.store: one gateway has the volume, so it cannot be autoscaled: take nats" }}{{ end -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}{{ fail "autoscaling: minReplicas is more than maxReplicas" }}{{ end -}}
{{- if and (eq .Values.jobs.store "nats") (not .Values.jobs.nats.url) }}{{ fail "jobs.nats.url: the store nats needs its address" }}{{ end -}}
{{- if and .Values.eventing.enabled .Values.tls.secretName }}{{ fail "eventing: a Trigger calls the gateway's Service without TLS: leave out tls.secretName, or eventing" }}{{ end -}}
{{- if and .Values.eventing.enabled (eq .Values.eventing.identity "network") (not .Values.networkPolicy.enabled) }}{{ fail "eventing.identity: network needs networkPolicy.enabled: nothing else would guard the gateway" }}{{ end -}}
{{- if and (not (include "saccade.open" .)) (not (include "saccade.keysSecret" .)) (not (dig "access" dict .Values.config)) (not .Values.eventing.enabled) }}{{ fail "access: nobody could come in: give access.keys or access.keysSecret, issuers in config.access, or access.open=true to try it out" }}{{ end -}}
{{- end }}
