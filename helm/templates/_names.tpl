{{/* Names and labels. Templates that the Airflow chart calls too use only .Release and .Values.global. */}}

{{- define "sentiment.fullname" -}}
{{- if .Values.global.sentiment.fullnameOverride }}{{ .Values.global.sentiment.fullnameOverride }}
{{- else if contains "sentiment" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-sentiment" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sentiment.settingsName" -}}
{{ include "sentiment.fullname" . }}-settings
{{- end }}

{{- define "sentiment.mlflowUri" -}}
{{- default (printf "http://%s-mlflow:5000" (include "sentiment.fullname" .)) .Values.global.sentiment.mlflowUri }}
{{- end }}

{{- define "sentiment.secretName" -}}
{{ .Values.global.sentiment.secretName }}
{{- end }}

{{- define "sentiment.labels" -}}
app.kubernetes.io/name: sentiment
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of an object of a component: (list $ "api"). */}}
{{- define "sentiment.componentLabels" -}}
{{- $root := index . 0 }}
{{- include "sentiment.labels" $root }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "sentiment.metadataLabels" -}}
{{- $root := index . 0 }}
{{- include "sentiment.componentLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The reference of an image: (dict "repository" … "tag" … "digest" … "what" …). */}}
{{- define "sentiment.image" -}}
{{- if .digest }}{{ printf "%s@%s" .repository .digest }}
{{- else }}{{ printf "%s:%s" .repository (required (printf "%s is missing: set it to the Git revision that the image was built from" .what) .tag) }}
{{- end }}
{{- end }}

{{- define "sentiment.airflowImage" -}}
{{- $airflow := .Values.airflow }}
{{- include "sentiment.image" (dict "repository" $airflow.defaultAirflowRepository "tag" $airflow.defaultAirflowTag "digest" $airflow.defaultAirflowDigest "what" "airflow.defaultAirflowTag") }}
{{- end }}

{{/* The reference of a track's image: (list $ $track). */}}
{{- define "sentiment.apiImage" -}}
{{- $image := (index . 0).Values.image.api }}
{{- $own := (index . 1).image }}
{{- $set := or $own.tag $own.digest | empty | not }}
{{- include "sentiment.image" (dict "repository" $image.repository "tag" ($set | ternary $own.tag $image.tag) "digest" ($set | ternary $own.digest $image.digest) "what" "image.api.tag") }}
{{- end }}

{{/* Name of a component's service account: (list $ "api" .Values.api.serviceAccount). */}}
{{- define "sentiment.serviceAccountName" -}}
{{- default (printf "%s-%s" (include "sentiment.fullname" (index . 0)) (index . 1)) (index . 2).name }}
{{- end }}
