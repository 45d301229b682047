#!/usr/bin/env bash
# Triggers the DAG `retrain` with the params $CONF in kubectl's cluster, waits, and fails if the run fails.
set -euo pipefail

run="github__${GITHUB_RUN_ID}__${GITHUB_RUN_ATTEMPT}__${PURPOSE}"

# The pod is looked up each time, because it can be replaced during a long training.
in_scheduler() {
    local pod
    pod=$(kubectl get pods --namespace "$NAMESPACE" --selector component=scheduler,release=sentiment \
        --field-selector status.phase=Running --output name | head -n 1)
    kubectl exec --namespace "$NAMESPACE" --container scheduler "$pod" -- "$@"
}

# Airflow's command line prints warnings before the result: "success, {params}".
state_of() {
    in_scheduler airflow dags state retrain "$1" | tail -n 1 | cut -d , -f 1
}

in_scheduler airflow dags trigger retrain --run-id "$run" --conf "$CONF"
state=queued
misses=0 # the pod or the API can be unavailable for a while, but not for ten minutes
until [[ $state == success || $state == failed ]]; do
    sleep "${POLL_S:-30}"
    if state=$(state_of "$run"); then
        misses=0
    elif ((++misses == 20)); then
        echo "Airflow did not answer twenty times in a row. Check that its scheduler runs and that the AWS session has not expired." >&2
        exit 1
    fi
done

version=$(in_scheduler sentiment registry history --alias challenger --json |
    jq --raw-output '[.[] | select(.state == "moved")][0].to_version')
echo "version=$version" >>"$GITHUB_OUTPUT"
cat >>"$GITHUB_STEP_SUMMARY" <<TOLD
### Retraining: $state

Airflow's run \`$run\` ended with **$state**; the challenger is version **$version** of the registry. Its metrics are in
MLflow, and the log of the run's task \`gate\` shows each check.
TOLD
[[ $state == success ]]
