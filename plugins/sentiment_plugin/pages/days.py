"""The pages of days: a month of days and sources, and one day with its files and runs."""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from sentiment_plugin import runs
from sentiment_plugin.data import days as data
from sentiment_plugin.data import files
from sentiment_plugin.inputs import chosen_day, chosen_source, usable
from sentiment_plugin.page import AnyPage, Page
from sentiment_plugin.problems import Problem

MOST_SOURCES = 30  # rows of the calendar; with more, a source must be chosen to see it

router = APIRouter()


@router.get("/days")
def days(page: AnyPage, month: str = "", source: str = "") -> HTMLResponse:
    """Show a month: each day, and each source on each day."""
    today = datetime.now(UTC).date()
    first = _month(month) or today.replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    found = data.read(page.database_url(), first, last, chosen_source(source))
    if not month and not found.days and found.last_day:
        # Nothing happened this month: the month of the newest file says more.
        return days(page, f"{found.last_day:%Y-%m}", source)
    shown = [first + timedelta(days=number) for number in range((min(last, today) - first).days + 1)]
    by_day = {day: [found.days[day, name] for name in found.sources if (day, name) in found.days] for day in shown}
    return page.render(
        "days.html",
        "Days",
        month=first,
        source=source,
        days=[data.total(rows, day) for day, rows in reversed(by_day.items())],
        calendar=found.days,
        completed=found.completed,
        today=today,
        shown=shown,
        sources=found.sources[:MOST_SOURCES],
        hidden_sources=len(found.sources[MOST_SOURCES:]),
        most=max((row.rows for row in found.days.values()), default=0),
        earlier=_other_month(first - timedelta(days=1), found.first_day, None),
        later=_other_month(last + timedelta(days=1), None, max(today, found.last_day or today)),
    )


@router.get("/days/{day}")
def one_day(page: AnyPage, day: str) -> HTMLResponse:
    """Show a day: its sources, files and runs."""
    chosen = chosen_day(day)
    if chosen is None:
        raise Problem(400, "The address of this page names no day.")
    found = data.read(page.database_url(), chosen, chosen)
    ledger = files.read(page.database_url(), files.Filter(day=chosen))
    rows = list(found.days.values())
    return page.render(
        "day.html",
        f"Day {chosen}",
        day=chosen,
        rows=rows,
        total=data.total(rows, chosen),
        completed_at=found.completed.get(chosen),
        over=chosen < datetime.now(UTC).date(),
        entries=ledger.entries,
        more=ledger.older_than is not None,
        runs=_runs(page, chosen),
        earlier=chosen - timedelta(days=1),
        later=chosen + timedelta(days=1),
    )


def _runs(page: Page, day: date) -> list[dict[str, Any]]:
    """Return the runs of a day: those of the ledger, and those of Airflow for the day's partition."""
    ledger = {run.run_id: run for run in data.runs(page.database_url(), day)}
    known = {run.run_id: run for run in runs.of_day(page.airflow, day)}
    known |= runs.named(page.airflow, [run_id for run_id in ledger if run_id not in known])
    return [{"run_id": run_id, "ledger": ledger.get(run_id), "run": known.get(run_id)} for run_id in ledger | known]


def _month(text: str) -> date | None:
    if not text:
        return None
    try:
        return usable(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date())
    except ValueError as error:
        raise Problem(400, f"“{text}” is not a month. Use the format 2026-11.") from error


def _other_month(day: date, first: date | None, last: date | None) -> date | None:
    inside = (first is None or day >= first.replace(day=1)) and (last is None or day <= last)
    return day if inside else None
