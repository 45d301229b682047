"""The Sentiment pages in Airflow's UI. The package `sentiment_plugin` in the same folder implements them."""

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin


def _icon(line: str, paper: str) -> str:
    return "data:image/svg+xml," + quote(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" stroke-width="2" stroke-linecap="round"'
        f' stroke-linejoin="round" stroke="{line}" fill="{paper}"><path d="M14 3H6a1 1 0 0 0-1 1v16a1 1 0 0 0 1 1h12a1'
        ' 1 0 0 0 1-1V8z"/><path d="M14 3v5h5"/><path d="M9 13h6M9 17h6"/></svg>'
    )


class SentimentPages(AirflowPlugin):
    """Add the pages to Airflow's navigation."""

    name = "sentiment"
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Sentiment",
            # A relative URL, so that it also works when Airflow is served below a path.
            "href": "sentiment/",
            "url_route": "sentiment",
            "destination": "nav",
            "nav_top_level": True,
            "icon": _icon("#33475f", "#ffffff"),  # readable on the light bar and on the dark selected entry
            "icon_dark_mode": _icon("#c9d5e6", "none"),
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The application that serves the pages.

        Only the API server uses it, so only the API server pays for its imports.
        """
        from sentiment_plugin.access import AIRFLOW  # noqa: PLC0415
        from sentiment_plugin.app import create_app  # noqa: PLC0415

        return [{"app": create_app(AIRFLOW), "url_prefix": "/sentiment", "name": "Sentiment"}]
