"""The pages: one module a page, with its routes. `TABS` is the only list of them."""

from typing import NamedTuple

from fastapi import APIRouter

from sentiment_plugin.pages import backfill, days, file, files, models, now, progress, quarantine


class Tab(NamedTuple):
    """A tab: its name, the path of its first page, and the routers of its pages. Paths start with that path."""

    name: str
    path: str
    routers: tuple[APIRouter, ...]


TABS = (
    Tab("Now", "now", (now.router,)),
    Tab("Days", "days", (days.router,)),
    Tab("Files", "files", (files.router, file.router)),
    Tab("Quarantine", "quarantine", (quarantine.router,)),
    Tab("Backfill", "backfill", (progress.router, backfill.router)),
    Tab("Models", "models", (models.router,)),
)
