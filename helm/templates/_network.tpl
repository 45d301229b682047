{{/* Rules shared by several network policies. */}}

{{- define "sentiment.blocks" -}}
{{- range . }}
- ipBlock: {cidr: {{ . }}}
{{- end }}
{{- end }}

{{/* Pods of a component: (list $ "api"). */}}
{{- define "sentiment.pods" -}}
- podSelector:
    matchLabels: {{- include "sentiment.componentLabels" . | nindent 6 }}
{{- end }}

{{- define "sentiment.toDatabase" -}}
{{- $policy := .Values.networkPolicy.database }}
- to:
    {{- if .Values.dev.postgres.enabled }}
    {{- include "sentiment.pods" (list . "postgres") | nindent 4 }}
    {{- else }}
    {{- include "sentiment.blocks" $policy.cidrs | nindent 4 }}
    {{- end }}
  ports:
    - {port: {{ $policy.port }}, protocol: TCP}
{{- end }}

{{- define "sentiment.toObjectStore" -}}
{{- $policy := .Values.networkPolicy.objectStore }}
- to:
    {{- if .Values.dev.objectStore.enabled }}
    {{- include "sentiment.pods" (list . "object-store") | nindent 4 }}
    {{- else }}
    {{- include "sentiment.blocks" $policy.cidrs | nindent 4 }}
    {{- end }}
  ports:
    - {port: {{ .Values.dev.objectStore.enabled | ternary 8333 $policy.port }}, protocol: TCP}
{{- if .Values.networkPolicy.podIdentity }}
- to:
    - ipBlock: {cidr: 169.254.170.23/32}
  ports:
    - {port: 80, protocol: TCP}
{{- end }}
{{- end }}

{{- define "sentiment.toMlflow" -}}
{{- if .Values.mlflow.enabled }}
- to:
    {{- include "sentiment.pods" (list . "mlflow") | nindent 4 }}
  ports:
    - {port: 5000, protocol: TCP}
{{- else }}
- to:
    {{- include "sentiment.blocks" .Values.networkPolicy.mlflow.cidrs | nindent 4 }}
  ports:
    - {port: {{ .Values.networkPolicy.mlflow.port }}, protocol: TCP}
{{- end }}
{{- end }}

{{- define "sentiment.toKubernetes" -}}
{{- $policy := .Values.networkPolicy.kubernetesApi }}
- to:
    {{- include "sentiment.blocks" $policy.cidrs | nindent 4 }}
  ports:
    - {port: {{ $policy.port }}, protocol: TCP}
{{- end }}

{{/* The connection pooler of the Airflow chart, to which the Secret's key `connection` points if it is enabled. */}}
{{- define "sentiment.toPooler" -}}
{{- if and .Values.airflow.enabled (.Values.airflow.pgbouncer | default dict).enabled }}
- to:
    - podSelector: {matchLabels: {tier: airflow, component: pgbouncer, release: {{ .Release.Name }}}}
  ports:
    - {port: {{ (.Values.airflow.ports | default dict).pgbouncer | default 6543 }}, protocol: TCP}
{{- end }}
{{- end }}

{{/* Pooler and StatsD of the Airflow chart, on the side of the clients or of the servers: (list $ "to") or (list $ "from"). */}}
{{- define "sentiment.airflowServers" -}}
{{- $root := index . 0 }}
{{- $side := index . 1 }}
{{- $airflow := $root.Values.airflow }}
{{- $ports := $airflow.ports | default dict }}
{{- if ($airflow.pgbouncer | default dict).enabled }}
- {{ $side }}:
    - podSelector: {matchLabels: {tier: airflow, release: {{ $root.Release.Name }}}}
    {{- if eq $side "from" }}
    {{- include "sentiment.pods" (list $root "migrate") | nindent 4 }}
    {{- end }}
  ports:
    - {port: {{ $ports.pgbouncer | default 6543 }}, protocol: TCP}
{{- end }}
{{- if ($airflow.statsd | default dict).enabled }}
- {{ $side }}:
    - podSelector: {matchLabels: {tier: airflow, release: {{ $root.Release.Name }}}}
  ports:
    - {port: {{ $ports.statsdIngest | default 9125 }}, protocol: UDP}
{{- end }}
{{- if eq $side "from" }}
{{- range $part, $port := dict "pgbouncer" ($ports.pgbouncerScrape | default 9127) "statsd" ($ports.statsdScrape | default 9102) }}
{{- if (index $airflow $part | default dict).enabled }}
- from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ $root.Values.networkPolicy.monitoringNamespace }}}}
  ports:
    - {port: {{ $port }}, protocol: TCP}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The mail server and the identity provider, if the values use them. */}}
{{- define "sentiment.toPeople" -}}
{{- $policy := .Values.networkPolicy }}
{{- $smtp := (.Values.airflow.config | default dict).smtp | default dict }}
{{- if or (contains "smtp:" (.Values.settings.SENTIMENT_ALERTS | default "")) $smtp.smtp_host }}
- to:
    {{- include "sentiment.blocks" $policy.smtp.cidrs | nindent 4 }}
  ports:
    - {port: {{ $smtp.smtp_port | default $policy.smtp.port }}, protocol: TCP}
{{- end }}
{{- if or .Values.airflow.apiServer.apiServerConfig .Values.airflow.apiServer.apiServerConfigConfigMapName }}
- to:
    {{- include "sentiment.blocks" $policy.identityProvider.cidrs | nindent 4 }}
  ports:
    - {port: {{ $policy.identityProvider.port }}, protocol: TCP}
{{- end }}
{{- end }}

{{/* Selector of a component of `networkPolicy.extraEgress`: (list $ "jobs"). */}}
{{- define "sentiment.policySelector" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- if eq $component "all" }}
{}
{{- else if eq $component "airflow" }}
matchLabels: {tier: airflow, release: {{ $root.Release.Name }}}
{{- else if eq $component "jobs" }}
matchLabels: {{- include "sentiment.labels" $root | nindent 2 }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: [migrate, first-model, tests, secret]}
{{- else }}
matchLabels: {{- include "sentiment.componentLabels" (list $root $component) | nindent 2 }}
{{- end }}
{{- end }}
