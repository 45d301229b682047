{{/* The Ingress of a Service: (dict "root" $ "component" "mlflow" "ingress" .Values.mlflow.ingress "annotations" … "backend" …). */}}
{{- define "sentiment.ingress" -}}
{{- $ingress := .ingress }}
{{- $hosts := $ingress.hosts }}
{{- with $ingress.host }}{{ $hosts = prepend $hosts . | uniq }}{{ end }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "sentiment.fullname" .root }}-{{ .component }}
  labels: {{- include "sentiment.metadataLabels" (list .root .component) | nindent 4 }}
  {{- with merge (deepCopy $ingress.annotations) .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $ingress.tls }}
  tls: {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    {{- range $hosts | default (list "") }}
    - {{ with . }}host: {{ . | quote }}
      {{ end }}http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {{- toYaml $.backend | nindent 16 }}
    {{- end }}
{{- end }}

{{/* Annotations of an ALB for pods that serve their health on a path and port: (list "/health" 5000). */}}
{{- define "sentiment.albAnnotations" -}}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/healthcheck-path: {{ index . 0 }}
alb.ingress.kubernetes.io/healthcheck-port: {{ index . 1 | quote }}
{{- end }}
