#!/bin/bash
# Runs a program with the secrets of one part: run.sh PART PROGRAM ARGUMENT…
set -euo pipefail
secrets=/var/lib/sentiment
# shellcheck disable=SC1090
source "$secrets/$1.env"
shift
if [[ ${AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE-} == /tmp/* ]]; then
    # Airflow opens this file for writing, which the volume does not allow.
    install -m 600 "$secrets/passwords.json" "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
fi
# Each container's metrics are separate series.
export OTEL_RESOURCE_ATTRIBUTES="service.instance.id=$HOSTNAME"
exec "$@"
