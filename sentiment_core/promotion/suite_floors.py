"""The gate's floors: no language or domain that the champion supports may lose more than a bound over a suite."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from sentiment_core.datasets.suite import Suite, SuiteSet
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import TerminalError
from sentiment_core.evaluation.suite_table import MODEL, SetRow, SuiteTable, measure_unseen
from sentiment_core.model.bundle import Bundle
from sentiment_core.promotion.policy import SuitePolicy
from sentiment_core.promotion.verdict import GateCheck
from sentiment_core.settings import settings

_CHAMPION: Final = "model 2"


class _Group(NamedTuple):
    """The sets of one language or domain that have a balanced accuracy for both models."""

    name: str
    rows: int  # polar rows
    ours: float  # mean balanced accuracy of the challenger
    champion: float


def suite_checks(
    challenger: Bundle, champion: Bundle | None, policy: SuitePolicy, storage: Storage | None = None
) -> Iterator[GateCheck]:
    """Yield a check for each supported language and domain, and one for the suite as a whole.

    `storage` opens a suite in S3. Yields nothing if no suite is configured. A suite with a set that cannot be measured
    fails. Raises `StorageUnavailable` when the object store does not answer.
    """
    location = policy.location or settings().suite
    if location is None:
        return
    if champion is None:
        yield GateCheck.skipped("suite", "there is no champion, so no language or domain can lose")
        return
    try:
        table = measure_unseen((challenger, champion), Suite.open(location, storage))
    except TerminalError as error:
        yield GateCheck.failed("suite", str(error))
        return
    if table.faults:
        yield GateCheck.failed("suite", f"sets cannot be measured: {'; '.join(table.faults)}")
        return
    yield from _floors(table, policy)


def _floors(table: SuiteTable, policy: SuitePolicy) -> Iterator[GateCheck]:
    languages = list(_groups(table.sets, lambda each: each.language))
    supported = [each for each in languages if each.champion >= policy.supported]
    # In a language that the champion does not know, a domain's figure would be chance.
    names = {each.name for each in supported}
    domains = list(
        _groups([row for row in table.sets if row.described.language in names], lambda each: each.domain_group)
    )
    floors = [("language", each) for each in supported]
    floors += [("domain", each) for each in domains if each.champion >= policy.supported]
    held = [(kind, each) for kind, each in floors if each.rows >= policy.least_rows]
    few = [each.name for kind, each in floors if each.rows < policy.least_rows]
    rows = sum(row.measures[MODEL].rows for row in table.sets)
    detail = f"{rows:,} rows of {len(table.sets)} sets are new to both models; {len(held)} floors"
    if few:
        detail += f"; without a floor, because fewer than {policy.least_rows} rows have a sentiment: {', '.join(few)}"
    if held:
        yield GateCheck.at_least("suite", len(held), 1, detail)
    else:
        yield GateCheck.failed("suite", f"{detail}. The champion supports no language of the suite")
    for kind, each in held:
        figures = f"balanced accuracy {each.ours:.4f}, the champion's is {each.champion:.4f}, on {each.rows:,} rows"
        yield GateCheck.at_least(f"suite {kind} {each.name}", each.ours, each.champion - policy.most_lost, figures)


def _groups(rows: Sequence[SetRow], key: Callable[[SuiteSet], str]) -> Iterator[_Group]:
    """Yield the groups by name, with means in which each set counts once. Groups without a figure are left out."""
    for name in sorted({key(row.described) for row in rows}):
        mine = [row.measures for row in rows if key(row.described) == name]
        ours, champion = (
            [value for found in mine if (value := found[role].balanced_accuracy) is not None]
            for role in (MODEL, _CHAMPION)
        )
        if ours:
            polar = sum(found[MODEL].polar_rows for found in mine)
            yield _Group(name, polar, float(np.mean(ours)), float(np.mean(champion)))
