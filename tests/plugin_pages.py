"""The Sentiment pages without Airflow: a real application on a real ledger, for a user who may do everything."""

import asyncio

import httpx
from fastapi import FastAPI
from sentiment_plugin.host import Host


class Pages:
    """Request pages from an application."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, address: str, **params: str) -> httpx.Response:
        return asyncio.run(self._send("GET", address, params=params or None))

    def post(self, address: str, **form: str) -> httpx.Response:
        return asyncio.run(self._send("POST", address, data=form))

    async def _send(self, method: str, address: str, **content) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://airflow") as client:
            return await client.request(method, address, **content)


def open_to_all() -> None:
    """Admit every user."""


def host(database_url, may_read=open_to_all, *, may_start=True) -> Host:
    """Return a host without Airflow. `tests/end_to_end/plugin_checks.py` uses that of Airflow."""
    return Host(may_read, lambda: "operator", lambda _request, _dag: may_start, database_url, lambda: "key")
