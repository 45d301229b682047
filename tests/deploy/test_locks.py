"""An image installs exactly what was tested, and all packages are locked with hashes."""

import re
from pathlib import Path

import pytest

LOCKS = (
    "api.txt",
    "airflow.txt",
    "ansible.txt",
    "dbt.txt",
    "deploy.txt",
    "dvc.txt",
    "lock.txt",
    "mlflow-2.txt",
    "notebooks.txt",
    "spark.txt",
)


def _pins(path: Path) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of each name and version in a lock."""
    found = re.findall(r"^(\S+)==(\S+)[^\n]*\\\n((?:    --hash=[^\n]+\n)+)", path.read_text(), re.MULTILINE)
    return {(name, version): set(re.findall("sha256:[0-9a-f]{64}", hashes)) for name, version, hashes in found}


@pytest.mark.parametrize("image", ["api", "airflow"])
def test_an_image_installs_a_part_of_the_projects_lock(checkout: Path, image: str) -> None:
    tested = _pins(checkout / "requirements" / "lock.txt")
    shipped = _pins(checkout / "requirements" / f"{image}.txt")
    assert len(shipped) > 20
    assert {pin: hashes for pin, hashes in shipped.items() if tested.get(pin) != hashes} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_by_hash_and_names_no_index(checkout: Path, lock: str) -> None:
    text = (checkout / "requirements" / lock).read_text()
    pinned = re.findall(r"^[^\s#].*$", text, re.MULTILINE)
    assert len(_pins(checkout / "requirements" / lock)) == len(pinned)
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


def test_the_api_image_has_none_of_the_heavy_packages(checkout: Path) -> None:
    names = {name for name, _ in _pins(checkout / "requirements" / "api.txt")}
    heavy = {"apache-airflow-core", "mlflow", "pandas", "pyarrow", "scikit-learn", "scipy"}
    assert names & heavy == set()
    assert heavy <= {name for name, _ in _pins(checkout / "requirements" / "airflow.txt")}
