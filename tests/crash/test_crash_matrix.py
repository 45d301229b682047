"""A load that is killed by SIGKILL at any step leads to the result of a clean load, for every kind of next run.

A stopped load waits at its point until it is killed; no exception simulates its death. `make test-crash` runs all
cells. The cells below run with all other tests.
"""

import pytest

from tests.crash import drops, evidence, table
from tests.crash.points import Point
from tests.crash.scene import Load, Scene

ALWAYS = {
    (Point.LISTED, table.SECOND_RUN),
    (Point.CLAIMED, table.CLEAR),
    (Point.COPYING, table.RETRY),
    (Point.MARKED, table.CLEAR),
    (Point.COMMITTED, table.BACKFILL),
}


def retry(scene: Scene, killed: Load, point: Point) -> list[str]:
    """Load the same files again after the kill."""
    scene.kill(killed)
    scene.finish(scene.start())
    return ["load"]


def clear(scene: Scene, killed: Load, point: Point) -> list[str]:
    """Load the same files while the first load still exists.

    The second waits for a claim, if one is held, until the kill.
    """
    second = scene.start()
    if evidence.promised(point).claimed:
        scene.wait_until_one_waits_for_another()
        scene.kill(killed)
        scene.finish(second)
    else:
        scene.finish(second)
        scene.kill(killed)
    return ["load"]


def backfill(scene: Scene, killed: Load, point: Point) -> list[str]:
    """Run the day after the kill, and once more with `replace`, which changes no row."""
    scene.kill(killed)
    scene.run_day(replace=False)
    assert scene.batches() == {name: ["load"] for name in drops.ROWS}
    once = scene.contents()
    scene.run_day(replace=True)
    assert scene.contents() == once
    return ["load", "replace"]


def concurrent_second_run(scene: Scene, killed: Load, point: Point) -> list[str]:
    """Load the same files twice at the same moment after the kill."""
    scene.kill(killed)
    for load in [scene.start(), scene.start()]:
        scene.finish(load)
    return ["load"]


RECOVERIES = {
    table.RETRY: retry,
    table.CLEAR: clear,
    table.BACKFILL: backfill,
    table.SECOND_RUN: concurrent_second_run,
}
CELLS = [
    pytest.param(
        point,
        recovery,
        id=f"{point.value}-{recovery}",
        marks=() if (point, recovery) in ALWAYS else pytest.mark.crash,
    )
    for point in Point
    for recovery in RECOVERIES
]


def test_the_files_contain_every_kind_of_row(clean) -> None:
    assert {name: rows for name, (rows, _) in clean.items()} == {
        "source_file": len(drops.STATES),
        "review and score": sum(drops.ROWS.values()),
        "rejected_row": 80,
        "review_head": 1423,
        "daily_rollup": 2,
    }


def test_the_hashes_of_two_clean_loads_are_equal_until_one_value_changes(clean, scene) -> None:
    scene.finish(scene.start())
    before = scene.contents()
    assert before == clean
    scene.execute("UPDATE sentiment.rollup_state SET stale_since = now()")  # the changes below are not counted
    for change in (
        "source_file SET reject_reason = 'another' WHERE status = 'rejected'",
        "score SET score = 0.123 WHERE (source_file_id, line) = (SELECT min(source_file_id), 2 FROM sentiment.review)",
        "rejected_row SET raw = 'other bytes' WHERE line = (SELECT min(line) FROM sentiment.rejected_row)",
        "review_head SET last_modified = now() WHERE line = 2",
        "daily_rollup SET reviews = 7",
    ):
        scene.execute(f"UPDATE sentiment.{change}")
        after = scene.contents()
        assert [change.split()[0] in name for name in clean if after[name] != before[name]] == [True], change
        before = after


@pytest.mark.parametrize(("point", "recovery"), CELLS)
def test_a_retry_of_a_killed_load_stores_the_rows_of_a_clean_load(
    point, recovery, scene, orders, clean, record_property
) -> None:
    record_property(table.CELL, (point.value, recovery))
    killed = scene.start_and_stop(point, orders)
    scene.check_state(evidence.promised(point))
    kinds = RECOVERIES[recovery](scene, killed, point)
    assert scene.contents() == clean
    assert scene.batches() == dict.fromkeys(drops.ROWS, kinds)
