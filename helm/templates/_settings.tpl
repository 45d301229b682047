{{/* Whether Airflow stores its users in its database. Otherwise another auth manager does. */}}
{{- define "sentiment.airflowHasUsers" -}}
{{- if eq .Values.airflow.config.core.auth_manager "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager" }}true{{ end }}
{{- end }}

{{/* Settings of all parts, and settings that only Airflow reads: of others a change restarts no pod. Without secrets, as maps. */}}
{{- define "sentiment.settings" -}}
{{- $settings := dict }}
{{- range $name, $value := include "sentiment.allSettings" . | fromYaml }}
{{- if not (include "sentiment.ofAirflow" $name) }}{{ $_ := set $settings $name $value }}{{ end }}
{{- end }}
{{- $settings | toYaml }}
{{- end }}

{{- define "sentiment.airflowSettings" -}}
{{- $settings := dict }}
{{- range $name, $value := include "sentiment.allSettings" . | fromYaml }}
{{- if include "sentiment.ofAirflow" $name }}{{ $_ := set $settings $name $value }}{{ end }}
{{- end }}
{{- $settings | toYaml }}
{{- end }}

{{- define "sentiment.ofAirflow" -}}
{{- if regexMatch "^(AIRFLOW_|SENTIMENT_ARRIVALS_|OTEL_METRIC_|OTEL_EXPORTER_OTLP_METRICS_)" . }}true{{ end }}
{{- end }}

{{- define "sentiment.allSettings" -}}
{{- $settings := dict
  "SENTIMENT_BUCKET" .Values.objectStore.bucket
  "SENTIMENT_MLFLOW_TRACKING_URI" (include "sentiment.mlflowUri" .)
  "SENTIMENT_MODEL_CACHE" "/tmp/models"
  "AWS_DEFAULT_REGION" .Values.objectStore.region
  "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER" .Values.objectStore.logs
  "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC" ""
  "MLFLOW_DISABLE_TELEMETRY" "true" }}
{{- $connection := dict "conn_type" "aws" "extra" (dict "region_name" .Values.objectStore.region) }}
{{- $ownStore := .Values.dev.objectStore.enabled | ternary (printf "http://%s-object-store:8333" (include "sentiment.fullname" .)) "" }}
{{- with .Values.objectStore.endpointUrl | default $ownStore }}
{{- $_ := set $settings "SENTIMENT_S3_ENDPOINT_URL" . }}
{{- $_ := set $settings "AWS_ENDPOINT_URL_S3" . }}
{{- $_ := set $settings "MLFLOW_S3_ENDPOINT_URL" . }}
{{- $_ := set $connection.extra "endpoint_url" . }}
{{- end }}
{{- $_ := set $settings "AIRFLOW_CONN_AWS_DEFAULT" ($connection | toJson) }}
{{- with .Values.arrivals.queueUrl }}
{{- $_ := set $settings "SENTIMENT_ARRIVALS_QUEUE" . }}
{{- end }}
{{- with .Values.arrivals.everySeconds }}
{{- $_ := set $settings "SENTIMENT_ARRIVALS_EVERY_S" (int . | toString) }}
{{- end }}
{{- with .Values.monitoring.airflow.otlpEndpoint }}
{{- /* Only the metrics of the dashboards: each task is a process that would push its own. */}}
{{- $_ := set $settings "AIRFLOW__METRICS__OTEL_ON" "True" }}
{{- $_ := set $settings "AIRFLOW__METRICS__METRICS_ALLOW_LIST" "^scheduler_heartbeat,^scheduler.dagruns.running,^executor.running_tasks,^executor.queued_tasks,^dag_processing.import_errors" }}
{{- $_ := set $settings "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" . }}
{{- $_ := set $settings "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL" "http/protobuf" }}
{{- $_ := set $settings "OTEL_METRIC_EXPORT_INTERVAL" "15000" }}
{{- end }}
{{- $settings = merge (deepCopy .Values.settings) $settings }}
{{- $settings | toYaml }}
{{- end }}
