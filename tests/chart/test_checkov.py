"""checkov's findings for the manifests, and the reasons for the checks that are skipped."""

import pytest
import yaml

from tests.chart.helm import HOOK, PROFILES

DIGEST = f"sha256:{'a' * 64}"
SKIPPED = {
    "CKV_K8S_15": "Pull policy Always asks the registry at each start: images here are named by digest or Git "
    "revision, which never change, and a registry that is away would keep pods from starting.",
    "CKV_K8S_35": "Secrets as variables: libpq, MLflow and Airflow read their URIs from these, and no process of the "
    "containers runs for another user, who could read them there.",
}
# Checks skipped for servers that are meant for trials only. Their images are third-party and pinned by tag.
TRIAL = {
    "CKV_K8S_43": "Digests of images for trying out alone would only grow old.",
    "CKV_K8S_40": "Their users are their images'.",
}


@pytest.mark.parametrize("profile", PROFILES)
def test_checkov_finds_nothing(run, tool, render, tmp_path, profile) -> None:
    digests = {"image": {"api": {"digest": DIGEST}}, "airflow": {"defaultAirflowDigest": DIGEST}}
    manifests = [
        each
        for each in render(profile, networkPolicy={"enabled": True}, **digests)
        if HOOK
        not in each["metadata"].get("annotations", {})  # pods that run to completion; checkov would require probes
    ]
    for each in manifests:
        each["metadata"].setdefault("namespace", "reviews")  # as Helm does during an installation
    written = tmp_path / "manifests.yaml"
    written.write_text(yaml.safe_dump_all(manifests))
    skipped = SKIPPED | (TRIAL if profile == "dev" else {})
    options = ("--skip-download", "--compact", "--quiet", "--framework", "kubernetes")
    told = run(tool("checkov"), *options, "--skip-check", ",".join(skipped), "--file", written, check=False)
    assert told.returncode == 0, told.stdout
