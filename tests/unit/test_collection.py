"""How the tests are dealt out to workers."""

from pathlib import Path

import pytest

from tests.conftest import LONGEST, SHARED, group_of


def test_a_group_is_a_file_or_a_folder_that_shares_its_fixtures() -> None:
    assert group_of("tests/unit/test_split.py::test_a[b/c::d]") == "tests/unit/test_split.py"
    assert group_of("tests/dags/test_retrain.py::test_a") == "tests/dags"


@pytest.mark.parametrize("name", [*SHARED, *LONGEST])
def test_every_group_that_is_named_is_there(checkout: Path, name: str) -> None:
    assert (checkout / name).exists()
