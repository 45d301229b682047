"""The page of what happens now: loads and runs under way, and what waits."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from sentiment_plugin import runs
from sentiment_plugin.data import now as data
from sentiment_plugin.page import AnyPage

EVERY_S = 10

router = APIRouter()


@router.get("/now")
def now(page: AnyPage, refresh: bool = False) -> HTMLResponse:
    """Show loads under way, rows per second, time left, and the oldest file that was not read.

    A page that reloads itself disturbs users of screen readers, so it does so only if the user chooses that.
    """
    found = data.read(page.database_url())
    return page.render(
        "now.html", "Now", found=found, runs=runs.under_way(page.airflow), refresh=refresh, every_s=EVERY_S
    )
