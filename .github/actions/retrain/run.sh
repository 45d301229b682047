#!/usr/bin/env bash
# Triggers the DAG `retrain` with the params $CONF in the cluster of kubectl, waits, and fails when the run does.
set -euo pipefail

run="github__${GITHUB_RUN_ID}__${GITHUB_RUN_ATTEMPT}__${PURPOSE}"

# The pod is looked up each time: it may be replaced while a training takes its time.
in_scheduler() {
    local pod
    pod=$(kubectl get pods --namespace "$NAMESPACE" --selector component=scheduler,release=sentiment \
        --field-selector status.phase=Running --output name | head -n 1)
    kubectl exec --namespace "$NAMESPACE" --container scheduler "$pod" -- "$@"
}

# Airflow's command line puts warnings before its answer: "success, {params}".
state_of() {
    in_scheduler airflow dags state retrain "$1" | tail -n 1 | cut -d , -f 1
}

in_scheduler airflow dags trigger retrain --run-id "$run" --conf "$CONF"
state=queued
misses=0 # the pod or the API may be away for a while, but not for ten minutes
until [[ $state == success || $state == failed ]]; do
    sleep "${POLL_S:-30}"
    if state=$(state_of "$run"); then
        misses=0
    elif ((++misses == 20)); then
        echo "Airflow could not be asked twenty times in a row: see whether its scheduler runs, and whether the session with AWS has ended." >&2
        exit 1
    fi
done

version=$(in_scheduler sentiment registry history --alias challenger --json |
    jq --raw-output '[.[] | select(.state == "moved")][0].to_version')
echo "version=$version" >>"$GITHUB_OUTPUT"
cat >>"$GITHUB_STEP_SUMMARY" <<TOLD
### Retraining: $state

Airflow's run \`$run\` ended with **$state**; the challenger is version **$version** of the registry. Its metrics are in
MLflow, and the log of the run's task \`gate\` tells each check.
TOLD
[[ $state == success ]]
