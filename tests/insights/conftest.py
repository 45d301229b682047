import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from demo.stack import Stack
from insights.app import Insights
from insights.settings import InsightsSettings
from sentiment_core.aspects.kept import keep_aspects
from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.loader import Loader, load_drop
from sentiment_core.settings import Settings
from tests.browser import browser, shots, visit
from tests.starter import starter_scorer

__all__ = ["browser", "shots", "visit"]  # fixtures

GOOD, BAD = "Excellent price, I love it.", "Terrible, a waste of money."
FIRST = date(2026, 10, 1)
BUCKET = "insights"
# Good and bad reviews of the product "kettle" on each day from FIRST on; None is a day without a file.
KETTLE = ((3, 1), (2, 2), None, (1, 3), (0, 4))
GADGETS = 30


def gadget(number: int) -> str:
    """Return the id of a product whose id has marks of HTML, CSV and URLs."""
    return f'gadget <{number:02}> & "co" %?'


def shop_files() -> Iterator[tuple[str, str]]:
    """Yield key and content of the files: the kettle of the source shop, and many products of the source app."""
    for number, counts in enumerate(KETTLE):
        if counts is not None:
            day = FIRST + timedelta(number)
            texts = [GOOD] * counts[0] + [BAD] * counts[1]
            written = f"{day - timedelta(1)}T12:00:00Z"
            rows = (f'{number}-{place},kettle,{written},"{text}"' for place, text in enumerate(texts))
            yield f"shop/dt={day}/a.csv", "\n".join(("review_id,product_id,reviewed_at,review", *rows))
    quoted = (gadget(number).replace('"', '""') for number in range(GADGETS))
    rows = (f'"{product}","{GOOD}"' for product in quoted)
    yield f"app/dt={FIRST}/a.csv", "\n".join(("product_id,review", *rows))


@pytest.fixture(scope="session")
def shop(stack: Stack, migrated_template: str) -> Iterator[str]:
    """The URI of a database with scored reviews, for a user who may only read."""
    owner = stack.postgres.create_database("insights", template=migrated_template)
    s3 = stack.object_store.client()
    s3.create_bucket(Bucket=BUCKET)
    settings = Settings(database_url=owner, bucket=BUCKET, s3_endpoint_url=stack.object_store.endpoint)
    with connect(owner) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE ida LOGIN PASSWORD 'ida' IN ROLE sentiment_reader")
        storage = Storage(s3)
        model = open_model(connection, starter_scorer())
        loader = Loader(connection, storage, model, settings, "insights")
        for key, content in shop_files():
            s3.put_object(Bucket=BUCKET, Key=f"incoming/{key}", Body=content.encode())
            load_drop(loader, storage.find(f"s3://{BUCKET}/incoming/{key}"), False)
        keep_aspects(connection, model, settings)
    yield f"postgresql://ida:ida@127.0.0.1:{stack.postgres.port}/insights"
    stack.postgres.drop_database("insights")


class Answer:
    """An answer that was read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()


class Running:
    """The page in a thread of this process."""

    def __init__(self, settings: InsightsSettings) -> None:
        self.port = 0
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()
        assert self._started.wait(60)

    async def _serve(self) -> None:
        insights = Insights(self._settings)
        runner = web.AppRunner(insights.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._started.set()
        await self._stopping.wait()
        await runner.cleanup()
        insights.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(60)
        self._loop.close()

    def get(self, path: str, method: str = "GET", headers: dict[str, str] | None = None, **query: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, f"{path}?{urlencode(query)}" if query else path, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def page(shop: str) -> Iterator[Running]:
    """The page of the database with reviews."""
    running = Running(InsightsSettings(insights_database_url=shop))
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start pages with settings of a test."""
    started: list[Running] = []

    def begin(**settings: Any) -> Running:
        started.append(Running(InsightsSettings(**settings)))
        return started[-1]

    yield begin
    for running in started:
        running.stop()
