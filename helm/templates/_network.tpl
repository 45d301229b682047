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
