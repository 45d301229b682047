"""infra/costs.py on small plans."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DATABASE = {
    "instance_class": "db.t4g.medium",
    "allocated_storage": 100,
    "multi_az": False,
    "manage_master_user_password": True,
}


@pytest.fixture(scope="module")
def costs(checkout: Path) -> ModuleType:
    """The program as a module: infra is no package."""
    found = importlib.util.spec_from_file_location("costs", checkout / "infra/costs.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def plan(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    found = [{"address": kind, "mode": "managed", "type": kind, "values": values} for kind, values in resources]
    return {"planned_values": {"root_module": {"child_modules": [{"resources": found}]}}}


@pytest.fixture
def estimate(costs, checkout, tmp_path):
    """Return the costs of resources, with no usage unless lines of it are given."""

    def of(*resources: tuple[str, dict[str, Any]], usage: str = "") -> dict[str, float]:
        (tmp_path / "usage.tsv").write_text(usage)
        prices = costs.Prices(checkout / "infra/prices.tsv")
        return dict(costs.estimate(plan(*resources), prices, tmp_path / "usage.tsv"))

    return of


def test_a_standby_doubles_a_database(estimate) -> None:
    one = estimate(("aws_db_instance", DATABASE))
    assert one["RDS db.t4g.medium in one zone"] == pytest.approx(730 * 0.065)
    assert one["RDS storage: 100 GB"] == pytest.approx(11.5)
    two = estimate(("aws_db_instance", DATABASE | {"multi_az": True}))
    assert sum(two.values()) == pytest.approx(2 * sum(one.values()) - 0.4)  # one secret


def test_nodes_of_auto_mode_are_usage_and_managed_ones_are_in_the_plan(estimate) -> None:
    usage = "auto-mode-nodes\t2\tm7i.large\tnodes\n"
    assert sum(estimate(usage=usage).values()) == pytest.approx(2 * (730 * 0.1008 * 1.12 + 80 * 0.08))
    group = {"scaling_config": [{"min_size": 3}], "instance_types": ["m7i.large"]}
    assert sum(estimate(("aws_eks_node_group", group), usage=usage).values()) == pytest.approx(3 * (730 * 0.1008 + 4))


def test_a_resource_without_a_rule_is_an_error(costs, estimate) -> None:
    with pytest.raises(costs.CostError, match="aws_lb: costs.py has no rule for aws_lb"):
        estimate(("aws_lb", {}))


def test_a_class_without_a_price_is_an_error(costs, estimate) -> None:
    with pytest.raises(costs.CostError, match=r"has no price for db\.x2g\.large\. Add a line"):
        estimate(("aws_db_instance", DATABASE | {"instance_class": "db.x2g.large"}))


def test_an_input_that_is_no_plan_is_an_error(costs, checkout) -> None:
    with pytest.raises(costs.CostError, match="not a plan"):
        costs.estimate({}, costs.Prices(checkout / "infra/prices.tsv"), checkout / "infra/usage.tsv")


def test_the_table_adds_up_and_names_its_sources(costs, checkout) -> None:
    found = costs.table([costs.Cost("a", 10.4), costs.Cost("b", 20.4), costs.Cost("c", 0.3)])
    assert found.splitlines()[2:] == ["| b | 20 |", "| a | 10 |", "| everything else | 0 |", "| **sum** | **31** |"]
    text = (checkout / "infra/prices.tsv").read_text()
    assert "as of June 2025" in text
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert all(len(row) == 4 and row[3].startswith("aws.amazon.com/") for row in rows)
