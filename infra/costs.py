"""Estimate what a plan costs a month: `terraform show -json plan.out | python infra/costs.py`.

Prices and usage are assumptions in two tables next to this file. Needs only Python's standard library.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
HOURS = 730
AUTO_NODES = "auto-mode-nodes"
AUTO_NODE, AUTO_DISK_GB, NODE_DISK_GB = "m7i.large", 80, 50
# Resources without a price, or whose price depends on usage only. Any other resource is an error, so that a new one
# cannot be left out of the sum.
FREE = {
    "aws_budgets_budget",
    "aws_cloudwatch_log_group",
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_default_security_group",
    "aws_ecr_lifecycle_policy",
    "aws_ecr_repository",
    "aws_eks_access_entry",
    "aws_eks_access_policy_association",
    "aws_eks_addon",
    "aws_eks_pod_identity_association",
    "aws_flow_log",
    "aws_iam_openid_connect_provider",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
    "aws_internet_gateway",
    "aws_kms_alias",
    "aws_launch_template",
    "aws_route",
    "aws_route_table",
    "aws_route_table_association",
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_notification",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_security_group",
    "aws_sqs_queue",
    "aws_sqs_queue_policy",
    "aws_sqs_queue_redrive_allow_policy",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_endpoint",
    "aws_vpc_security_group_ingress_rule",
    "terraform_data",
}


class CostError(Exception):
    """A plan or a table that the estimate cannot be made from, with what to do."""


class Cost(NamedTuple):
    """US dollars a month of one thing."""

    what: str
    usd: float


class Prices:
    """List prices by name, in US dollars."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._usd = {row[0]: float(row[2]) for row in _rows(path)}

    def __getitem__(self, name: str) -> float:
        """Return a price. Raises `CostError` if the table has none."""
        if name not in self._usd:
            raise CostError(f"{self._path.name} has no price for {name}. Add a line for it.")
        return self._usd[name]


def estimate(plan: dict[str, Any], prices: Prices, usage: Path) -> list[Cost]:
    """Return the monthly costs of a plan (the JSON of `terraform show -json`), then those of its usage.

    Raises `CostError` for a resource that is neither free nor priced, and for a price that the table lacks.
    """
    resources = list(_resources(plan))
    costs = [cost for each in resources for cost in _costs_of(each, prices)]
    managed = any(each["type"] == "aws_eks_node_group" for each in resources)
    for price, amount, unit, what in _rows(usage):
        if price == AUTO_NODES and managed:
            continue
        usd = _auto_node(prices) if price == AUTO_NODES else prices[price]
        costs.append(Cost(f"{what}: {amount} {unit}", float(amount) * usd))
    return costs


def table(costs: list[Cost]) -> str:
    """Return the costs as a Markdown table with their sum, in whole dollars. Rows below half a dollar are one row."""
    rows = [cost for cost in costs if cost.usd >= 0.5]
    rest = sum(cost.usd for cost in costs if cost.usd < 0.5)
    lines = ["| what | USD a month |", "|---|---:|"]
    lines += [f"| {what} | {usd:,.0f} |" for what, usd in sorted(rows, key=lambda cost: -cost.usd)]
    lines += [f"| everything else | {rest:,.0f} |", f"| **sum** | **{sum(cost.usd for cost in costs):,.0f}** |"]
    return "\n".join(lines) + "\n"


def _costs_of(resource: dict[str, Any], prices: Prices) -> Iterator[Cost]:
    kind, values = resource["type"], resource.get("values", {})
    if kind == "aws_eks_cluster":
        yield Cost("EKS control plane", HOURS * prices["eks-cluster"])
    elif kind == "aws_eks_node_group":
        yield from _nodes(values, prices)
    elif kind == "aws_db_instance":
        yield from _database(values, prices)
    elif kind == "aws_nat_gateway":
        yield Cost("NAT gateway", HOURS * prices["nat-gateway"])
    elif kind == "aws_eip":
        yield Cost("public address of the NAT gateway", HOURS * prices["public-ipv4"])
    elif kind == "aws_kms_key":
        yield Cost("KMS key", prices["key"])
    elif kind == "aws_cloudwatch_metric_alarm":
        yield Cost("alarm", prices["alarm"])
    elif kind not in FREE:
        raise CostError(f"{resource['address']}: costs.py has no rule for {kind}. Add one, or add it to FREE.")


def _database(values: dict[str, Any], prices: Prices) -> Iterator[Cost]:
    """Yield the costs of an RDS server. A standby in a second zone doubles them."""
    servers, zones = (2, "two zones") if values["multi_az"] else (1, "one zone")
    name, size = values["instance_class"], values["allocated_storage"]
    yield Cost(f"RDS {name} in {zones}", HOURS * servers * prices[name])
    yield Cost(f"RDS storage: {size} GB", size * servers * prices["rds-gp3"])
    if values["manage_master_user_password"]:
        yield Cost("secret of the RDS master user", prices["secret"])


def _nodes(values: dict[str, Any], prices: Prices) -> Iterator[Cost]:
    """Yield the costs of a node group at its minimum, with disks of the default size, which the launch template has."""
    count, name = values["scaling_config"][0]["min_size"], values["instance_types"][0]
    each = HOURS * prices[name] + NODE_DISK_GB * prices["gp3"]
    yield Cost(f"{count} nodes of the type {name} with {NODE_DISK_GB} GB of gp3 each", count * each)


def _auto_node(prices: Prices) -> float:
    return HOURS * prices[AUTO_NODE] * (1 + prices["auto-mode"]) + AUTO_DISK_GB * prices["gp3"]


def _resources(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all planned resources of all modules. Raises `CostError` if the JSON is not of a plan."""
    if "planned_values" not in plan:
        raise CostError("The input is not a plan. Pipe the output of `terraform show -json plan.out` in.")
    modules = [plan["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        yield from (each for each in module.get("resources", []) if each["mode"] == "managed")
        modules += module.get("child_modules", [])


def _rows(path: Path) -> list[list[str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return list(csv.reader(lines, delimiter="\t"))


def main() -> None:
    """Read a plan's JSON from standard input and print the table. Exits with 1 and a message on a `CostError`."""
    parser = argparse.ArgumentParser(description="Estimate the monthly costs of a plan, read as JSON.")
    parser.add_argument("--prices", type=Path, default=HERE / "prices.tsv", help="table of list prices")
    parser.add_argument("--usage", type=Path, default=HERE / "usage.tsv", help="table of monthly usage")
    arguments = parser.parse_args()
    try:
        print(table(estimate(json.load(sys.stdin), Prices(arguments.prices), arguments.usage)), end="")
    except (CostError, json.JSONDecodeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
