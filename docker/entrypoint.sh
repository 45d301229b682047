#!/bin/bash
# Runs a program of the image. If the first word is not a program, it is an Airflow command. The official chart's probes
# call this path.
set -euo pipefail

if [[ $# -eq 0 ]]; then
    exec airflow version
elif command -v -- "$1" >/dev/null; then
    exec "$@"
else
    exec airflow "$@"
fi
