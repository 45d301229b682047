#!/bin/bash
# Installs the chart into a local cluster: creates it, loads the images, installs with values-dev.yaml, and runs the
# chart's tests. `make kind` builds the images first. A second run upgrades the installation.
#   CLUSTER_TOOL=minikube   use minikube instead of kind
#   HELM_ARGS='--set …'     further arguments of `helm upgrade`
set -euo pipefail
cd "$(dirname "$0")/.."

tool=${CLUSTER_TOOL:-kind}
name=sentiment
revision=$(git rev-parse HEAD)
images=("sentiment-api:$revision" "sentiment-airflow:$revision")

case $tool in
    kind) context=kind-$name ;;
    minikube) context=$name ;;
    *) echo "CLUSTER_TOOL is $tool: set it to kind or minikube." >&2; exit 1 ;;
esac
for program in docker "$tool" kubectl helm; do
    command -v "$program" > /dev/null || { echo "$program is not on the path. Install it, then run this again." >&2; exit 1; }
done
for image in "${images[@]}"; do
    docker image inspect "$image" > /dev/null 2>&1 || { echo "There is no image $image. Run make images first." >&2; exit 1; }
done

# Downloads the Airflow chart only if the one that the checksum names is not here yet.
checksum=(sha256sum)
command -v sha256sum > /dev/null || checksum=(shasum -a 256)
(cd helm && "${checksum[@]}" --check --status charts.sha256 2> /dev/null) || helm dependency update helm
(cd helm && "${checksum[@]}" --check charts.sha256)

if [[ $tool == kind ]]; then
    kind get clusters | grep --quiet --line-regexp "$name" || kind create cluster --name "$name" --wait 5m
    kind load docker-image "${images[@]}" --name "$name"
else
    minikube status --profile "$name" > /dev/null 2>&1 || minikube start --profile "$name" --cpus 2 --memory 6g
    for image in "${images[@]}"; do minikube image load "$image" --profile "$name"; done
fi

# shellcheck disable=SC2086 -- HELM_ARGS is a list of arguments
helm upgrade sentiment helm --install --kube-context "$context" --namespace sentiment --create-namespace \
    --values helm/values-dev.yaml --set-string image.api.tag="$revision" \
    --set-string airflow.defaultAirflowTag="$revision" --wait --wait-for-jobs --timeout 20m ${HELM_ARGS:-}
helm test sentiment --kube-context "$context" --namespace sentiment --timeout 10m --logs
echo "Remove the cluster with: $tool delete $([[ $tool == kind ]] && echo "cluster --name" || echo --profile) $name"
