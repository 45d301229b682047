{{/* Values of the Airflow chart that follow from values of this chart. A value that is already set is kept. */}}

{{/* Set a value that is empty: (list map "key" value). */}}
{{- define "sentiment.setEmpty" -}}
{{- $map := index . 0 }}
{{- if not (index $map (index . 1)) }}
{{- $_ := set $map (index . 1) (index . 2) }}
{{- end }}
{{- end }}

{{/* The map below a key. It is created if it is missing: (list map "key"). Call this before reading the map. */}}
{{- define "sentiment.setMap" -}}
{{- include "sentiment.setEmpty" (list (index . 0) (index . 1) dict) }}
{{- end }}

{{- define "sentiment.setAirflowValues" -}}
{{- $airflow := .Values.airflow }}
{{- range list "data" "images" "config" "airflowPodAnnotations" }}
{{- include "sentiment.setMap" (list $airflow .) }}
{{- end }}
{{- include "sentiment.setAirflowSecrets" . }}
{{- include "sentiment.setAirflowImages" . }}
{{- include "sentiment.setAirflowAccounts" . }}
{{- include "sentiment.setAirflowAnnotations" . }}
{{- /* A trigger waits for the queue's messages and for the next poll. Nothing else defers. */}}
{{- if or .Values.arrivals.queueUrl .Values.arrivals.everySeconds }}
{{- $_ := set $airflow.triggerer "enabled" true }}
{{- end }}
{{- $_ := set $airflow "setBySentiment" true }}
{{- end }}

{{- define "sentiment.setAirflowSecrets" -}}
{{- $airflow := .Values.airflow }}
{{- $secret := include "sentiment.secretName" . }}
{{- range list "fernetKeySecretName" "apiSecretKeySecretName" "jwtSecretName" }}
{{- include "sentiment.setEmpty" (list $airflow . $secret) }}
{{- end }}
{{- include "sentiment.setEmpty" (list $airflow.data "metadataSecretName" $secret) }}
{{- if not (contains "Celery" $airflow.executor) }}
{{- /* Without a name the chart creates a Secret for Celery's broker, by a hook. */}}
{{- include "sentiment.setEmpty" (list $airflow.data "brokerUrlSecretName" $secret) }}
{{- end }}
{{- include "sentiment.setEmpty" (list $airflow "imagePullSecrets" .Values.image.pullSecrets) }}
{{- end }}

{{- define "sentiment.setAirflowImages" -}}
{{- $airflow := .Values.airflow }}
{{- range list "airflow" "pod_template" }}
{{- include "sentiment.setMap" (list $airflow.images .) }}
{{- $image := index $airflow.images . }}
{{- if has $image.pullPolicy (list nil "" "IfNotPresent") }}
{{- $_ := set $image "pullPolicy" $.Values.image.pullPolicy }}
{{- end }}
{{- end }}
{{- /* The chart and Airflow write REPOSITORY:TAG for task pods. With a digest that is REPOSITORY@sha256 and its hash. */}}
{{- $image := include "sentiment.airflowImage" . }}
{{- $repository := regexReplaceAll ":[^:]*$" $image "" }}
{{- $tag := regexFind "[^:]*$" $image }}
{{- include "sentiment.setEmpty" (list $airflow.images.pod_template "repository" $repository) }}
{{- include "sentiment.setEmpty" (list $airflow.images.pod_template "tag" $tag) }}
{{- include "sentiment.setMap" (list $airflow.config "kubernetes_executor") }}
{{- $_ := set $airflow.config.kubernetes_executor "worker_container_repository" $airflow.images.pod_template.repository }}
{{- $_ := set $airflow.config.kubernetes_executor "worker_container_tag" $airflow.images.pod_template.tag }}
{{- end }}

{{- define "sentiment.setAirflowAccounts" -}}
{{- $airflow := .Values.airflow }}
{{- $prefix := contains "airflow" .Release.Name | ternary .Release.Name (printf "%s-airflow" .Release.Name) }}
{{- range $key, $name := dict "apiServer" "api-server" "dagProcessor" "dag-processor" "scheduler" "scheduler" "triggerer" "triggerer" }}
{{- $account := (index $airflow $key).serviceAccount }}
{{- if $account.create }}
{{- include "sentiment.setEmpty" (list $account "name" (printf "%s-%s" ($prefix | trunc 46 | trimSuffix "-") $name)) }}
{{- end }}
{{- end }}
{{- include "sentiment.setEmpty" (list $airflow.workers.kubernetes.serviceAccount "name" (printf "%s-worker" (include "sentiment.fullname" .))) }}
{{- end }}

{{/* Airflow's pods restart when what they read at start changes: the settings, or the Secret as `secrets.version` says. */}}
{{- define "sentiment.setAirflowAnnotations" -}}
{{- $airflow := .Values.airflow }}
{{- $settings := printf "%s%s" (include "sentiment.settings" .) (include "sentiment.airflowSettings" .) }}
{{- $_ := set $airflow.airflowPodAnnotations "checksum/settings" ($settings | sha256sum) }}
{{- with .Values.secrets.version }}
{{- $_ := set $airflow.airflowPodAnnotations "sentiment/secrets-version" . }}
{{- end }}
{{- if .Values.secrets.reloader }}
{{- range list "apiServer" "dagProcessor" "scheduler" "triggerer" }}
{{- $component := index $airflow . }}
{{- $_ := set $component "annotations" (merge (deepCopy ($component.annotations | default dict)) (include "sentiment.reloader" $ | fromYaml)) }}
{{- end }}
{{- end }}
{{- end }}
