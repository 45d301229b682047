{{/* Settings that pods share. */}}

{{/* Restricted Pod Security, for a user: (list 10001 10001). */}}
{{- define "sentiment.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ index . 0 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "sentiment.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "sentiment.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Where and with which priority the pods of a component run, from its values. */}}
{{- define "sentiment.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Labels of a component's pods, with those that the values add: (list $ "api" .Values.api). */}}
{{- define "sentiment.podLabels" -}}
{{- $root := index . 0 }}
{{- $own := include "sentiment.componentLabels" (list $root (index . 1)) | fromYaml }}
{{- merge $own (deepCopy ((index . 2).podLabels | default dict)) (deepCopy $root.Values.commonLabels) | toYaml }}
{{- end }}

{{/* Variables, sources of variables, mounts and volumes that a component's values add to those of the chart. */}}
{{- define "sentiment.extraEnv" -}}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sentiment.extraEnvFrom" -}}
{{- with .extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sentiment.extraVolumeMounts" -}}
{{- with .extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sentiment.extraVolumes" -}}
{{- with .extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A variable from a key of the Secret: (list . "NAME" "key"). */}}
{{- define "sentiment.secretVariable" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef: {name: {{ include "sentiment.secretName" (index . 0) }}, key: {{ index . 2 }}}
{{- end }}

{{/* Keys for an S3 server that does not support roles for pods. */}}
{{- define "sentiment.objectStoreKeys" -}}
{{- if .Values.objectStore.keysInSecret }}
{{ include "sentiment.secretVariable" (list . "AWS_ACCESS_KEY_ID" "s3-access-key") }}
{{ include "sentiment.secretVariable" (list . "AWS_SECRET_ACCESS_KEY" "s3-secret-key") }}
{{- end }}
{{- end }}

{{/* Keys of the login at an external MLflow server, by the variables that MLflow's clients read. Only .Values.global is used. */}}
{{- define "sentiment.mlflowKeys" -}}
{{- $login := .Values.global.sentiment.mlflowLogin }}
{{- if eq $login "token" }}
MLFLOW_TRACKING_TOKEN: mlflow-tracking-token
{{- else if eq $login "password" }}
MLFLOW_TRACKING_USERNAME: mlflow-tracking-username
MLFLOW_TRACKING_PASSWORD: mlflow-tracking-password
{{- end }}
{{- end }}

{{- define "sentiment.mlflowLogin" -}}
{{- range $name, $key := include "sentiment.mlflowKeys" . | fromYaml }}
{{ include "sentiment.secretVariable" (list $ $name $key) }}
{{- end }}
{{- end }}

{{/* Pods that read the Secret restart when `secrets.version` changes. */}}
{{- define "sentiment.secretsVersion" -}}
{{- with .Values.secrets.version }}
sentiment/secrets-version: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Annotation of a Deployment by which Stakater's Reloader restarts its pods when the Secret changes. */}}
{{- define "sentiment.reloader" -}}
{{- if .Values.secrets.reloader }}
secret.reloader.stakater.com/reload: {{ include "sentiment.secretName" . }}
{{- end }}
{{- end }}

{{/* Variables of all Airflow containers, in addition to the settings. The Airflow chart calls this template. */}}
{{- define "sentiment.airflowVariables" -}}
{{- if not .Values.setBySentiment }}
{{- fail "Helm rendered the Airflow chart before this chart set its values: use Helm 3.20, 4.1 or 4.2" }}
{{- end -}}
# In a pod with Service variables this variable would be tcp://…. An explicit value overrides it.
- {name: SENTIMENT_API_PORT, value: "8080"}
# Each pod's metrics are separate series.
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: OTEL_RESOURCE_ATTRIBUTES, value: service.instance.id=$(POD_NAME)}
{{ include "sentiment.secretVariable" (list . "SENTIMENT_DATABASE_URL" "database-url") }}
{{ include "sentiment.secretVariable" (list . "AIRFLOW_CONN_SENTIMENT_DB" "database-url") }}
{{ include "sentiment.secretVariable" (list . "SENTIMENT_ERASURE_KEY" "erasure-key") }}
{{- include "sentiment.mlflowLogin" . }}
{{- end }}

{{/* The first words of a command whose output becomes JSON lines, as items of a list: the name of the logger. */}}
{{- define "sentiment.jsonLines" -}}
python, -m, sentiment_core.json_lines, {{ . }}
{{- end }}

{{/* A container that ends when the schema has the revision that this release needs, or a newer one:
(list $ component's-values image key option…). */}}
{{- define "sentiment.waitForSchema" -}}
{{- $root := index . 0 }}
- name: wait-for-schema
  image: {{ index . 2 }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [{{ include "sentiment.jsonLines" "wait-for-schema" }}, sentiment, db, status, --wait, {{ $root.Values.jobs.waitSeconds | quote }}{{ range slice . 4 }}, {{ . }}{{ end }}]
  env:
    {{- include "sentiment.secretVariable" (list $root "SENTIMENT_DATABASE_URL" (index . 3)) | nindent 4 }}
    {{- include "sentiment.extraEnv" (index . 1) | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {cpu: "1", memory: 128Mi}
  securityContext: {{- include "sentiment.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- include "sentiment.extraVolumeMounts" (index . 1) | nindent 4 }}
{{- end }}
