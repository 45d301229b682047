"""The simulated night commits every file once, whatever dies, and its limits are those of its rates."""

import random

import pytest

from benchmarks.night import LONG, SHORT, Night, Simulation, drops, figures_of, node_usd_per_hour, plan, simulated
from benchmarks.night import parser as night_parser
from sentiment_core.settings import Settings


def test_the_plan_is_that_of_the_planner() -> None:
    files = drops(2_000, 100_000_000, 200, random.Random(1))
    groups = plan(files, Settings())
    assert len(groups) == -(-sum(file.size + 500_000 for file in files) // 256_000_000)
    assert sorted(number for group in groups for number in group) == list(range(2_000))


@pytest.mark.parametrize("rates", [SHORT, LONG])
def test_every_file_is_committed_once_though_pods_die_and_files_fail(rates) -> None:
    files = drops(300, 30_000_000, rates.bytes, random.Random(2))
    night = Night(pods=6, deaths_per_pod_hour=20, failures_per_file=0.05)
    found = Simulation(files, plan(files, Settings()), night, rates, random.Random(3)).run()
    assert found.deaths > 3
    assert found.failed_files > 3
    figures = dict(figures_of(files, found, night))  # checks the commits
    assert figures["tasks started"] > len(plan(files, Settings()))


def test_without_failures_the_night_takes_what_the_rates_say() -> None:
    files = drops(50, 5_000_000, SHORT.bytes, random.Random(4))
    night = Night(pods=1, deaths_per_pod_hour=0, failures_per_file=0, start_s=0)
    found = Simulation(files, plan(files, Settings()), night, SHORT, random.Random(5)).run()
    rows = sum(file.rows for file in files)
    assert found.seconds == pytest.approx(rows * (SHORT.copy + SHORT.lock) + 50 * SHORT.lock_per_file)
    assert found.rows_lost == 0


def test_more_pods_are_faster_until_the_lock_is_busy_all_the_time() -> None:
    options = night_parser().parse_args(["--files", "400", "--rows", "40000000", "--pods", "1", "4", "64"])
    figures = simulated(options)
    one, four, many = (figures[f"{pods} pods: rows/s"] for pods in (1, 4, 64))
    assert one < 0.5 * four < many < 1 / SHORT.lock
    assert node_usd_per_hour() == pytest.approx(0.1129, abs=0.001)
