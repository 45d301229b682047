#!/bin/bash
# Debian's Prometheus without the options of Prometheus 3: it receives no OTLP, and Airflow's pushes fail.
arguments=()
for argument in "$@"; do
    [[ $argument == --web.enable-otlp-receiver ]] || arguments+=("$argument")
done
exec prometheus "${arguments[@]}"
