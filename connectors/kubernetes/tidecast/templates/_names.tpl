{{/* Names, labels, and what every worker has. */}}

{{- define "tidecast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "tidecast.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "tidecast.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "tidecast.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "tidecast.selector" -}}
app.kubernetes.io/name: {{ include "tidecast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tidecast.labels" -}}
{{ include "tidecast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "tidecast.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "tidecast.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "tidecast.secret" -}}
{{- if .Values.secret.existing }}
{{- .Values.secret.existing }}
{{- else if .Values.secret.values }}
{{- include "tidecast.fullname" . }}
{{- end }}
{{- end }}

{{/* The name of the claim that all workers mount; nothing where there is a bucket. */}}
{{- define "tidecast.objectsClaim" -}}
{{- if not .Values.objectStore.url }}
{{- default (printf "%s-objects" (include "tidecast.fullname" .)) .Values.objectStore.volume.existingClaim }}
{{- end }}
{{- end }}

{{/* Text of a value: Helm has large whole numbers as 1e+09, which no setting takes. */}}
{{- define "tidecast.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* Names under which the HTTP view may be asked, beside the worker's own. */}}
{{- define "tidecast.hosts" -}}
{{- $name := include "tidecast.fullname" . }}
{{- $own := printf "%s.%s" $name .Release.Namespace }}
{{- $names := list $name $own (printf "%s.svc" $own) (printf "%s.svc.cluster.local" $own) }}
{{- if .Values.ingress.enabled }}{{ $names = concat $names .Values.ingress.hosts }}{{ end }}
{{- with .Values.settings.TIDECAST_ALLOWED_HOSTS }}{{ $names = append $names . }}{{ end }}
{{- join "," $names }}
{{- end }}

{{- define "tidecast.maxTrainers" -}}
{{- .Values.trainers.scaling.max | default .Values.kafka.partitions | int }}
{{- end }}

{{/* Nothing of the container's own files is written, and nobody is root. The user is the image's. */}}
{{- define "tidecast.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tidecast.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "tidecast.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{/* A worker is its pod: restarted under this name, it has its partitions at once. */}}
{{- define "tidecast.ownEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: TIDECAST_WORKER_ID
  value: $(POD_NAME)
- name: TIDECAST_HOME
  value: /var/lib/tidecast
- name: TIDECAST_HTTP_HOST
  value: 0.0.0.0
# Caches of libraries, which would go into the user's home.
- name: HOME
  value: /tmp
{{- end }}

{{- define "tidecast.envFrom" -}}
- configMapRef: {name: {{ include "tidecast.fullname" . }}}
{{- with include "tidecast.secret" . }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{- define "tidecast.mounts" -}}
- {name: home, mountPath: /var/lib/tidecast}
- {name: tmp, mountPath: /tmp}
{{- if include "tidecast.objectsClaim" . }}
- {name: objects, mountPath: /var/lib/tidecast-objects}
{{- end }}
{{- if .Values.kafka.tlsSecret }}
- {name: kafka-tls, mountPath: /etc/tidecast/kafka, readOnly: true}
{{- end }}
{{- end }}

{{- define "tidecast.volumes" -}}
- {name: tmp, emptyDir: {}}
{{- with include "tidecast.objectsClaim" . }}
- name: objects
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- with .Values.kafka.tlsSecret }}
- name: kafka-tls
  secret: {secretName: {{ . }}}
{{- end }}
{{- end }}

{{/* Where pods go; of a dictionary with the chart and the kind of worker's values. */}}
{{- define "tidecast.place" -}}
{{- with .worker.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .worker.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .worker.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .chart.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What would not start, or not protect, is refused here, where it is written. */}}
{{- define "tidecast.check" -}}
{{- $kafka := .Values.kafka }}
{{- $given := .Values.secret.values }}
{{- $theirs := .Values.secret.existing }}
{{- if and $theirs $given }}
{{- fail "secret: give existing or values, not both" }}
{{- end }}
{{- if and (ne .Values.auth "off") (not $theirs) (not $given.TIDECAST_ACCESS_KEY) }}
{{- fail "auth is on: all state workers need the same TIDECAST_ACCESS_KEY, in secret.values or in the Secret that secret.existing names" }}
{{- end }}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
{{- if not $kafka.username }}
{{- fail (printf "kafka.username is missing: %s needs it" $kafka.securityProtocol) }}
{{- end }}
{{- if not (or $theirs $given.TIDECAST_KAFKA_SASL_PASSWORD) }}
{{- fail (printf "TIDECAST_KAFKA_SASL_PASSWORD is missing in secret: %s needs it" $kafka.securityProtocol) }}
{{- end }}
{{- else if $kafka.username }}
{{- fail (printf "kafka.username is of no use with %s: use SASL_SSL" $kafka.securityProtocol) }}
{{- end }}
{{- if and $kafka.tlsSecret (not (hasSuffix "SSL" $kafka.securityProtocol)) }}
{{- fail (printf "kafka.tlsSecret is of no use with %s: use SSL or SASL_SSL" $kafka.securityProtocol) }}
{{- end }}
{{- if and $kafka.clientCertificate (not $kafka.tlsSecret) }}
{{- fail "kafka.clientCertificate needs kafka.tlsSecret, which has tls.crt and tls.key" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.hosts is empty: name the hosts under which people ask" }}
{{- end }}
{{- end }}
