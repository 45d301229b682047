"""Checks of the Airflow plugin in a running Airflow. Each raises AssertionError when it fails."""

import urllib3

PAGE = "/sentiment/files"
# Occurs in the page of the ledger, and in no refusal.
SEARCH_FORM = 'role="search"'


def check_refuses_strangers(airflow_url: str) -> None:
    """Check that without a valid Airflow token every kind of request gets nothing of the ledger."""
    for headers in ({}, {"Authorization": "Bearer invented"}, {"Cookie": "_token=invented"}):
        for query in ("", "?state=live", "?older_than=9.9"):
            answer = _get(airflow_url, PAGE + query, headers)
            assert answer.status in {401, 403}, (headers, answer.status)
            assert SEARCH_FORM not in answer.data.decode(), headers


def check_shows_the_ledger(airflow_url: str, user: str, password: str, key: str) -> None:
    """Check that the page shows the file with this key, with the token in the header or the cookie of Airflow's UI."""
    token = airflow_token(airflow_url, user, password)
    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"_token={token}"}):
        answer = _get(airflow_url, PAGE, headers)
        page = answer.data.decode()
        assert answer.status == 200, page
        assert SEARCH_FORM in page
        assert key in page


def check_is_in_the_navigation(airflow_url: str, user: str, password: str) -> None:
    """Check that Airflow has loaded the plugin without an error, and that its navigation links to the page."""
    headers = {"Authorization": f"Bearer {airflow_token(airflow_url, user, password)}"}
    broken = _get(airflow_url, "/api/v2/plugins/importErrors", headers).json()
    assert broken["import_errors"] == []
    plugins = _get(airflow_url, "/api/v2/plugins", headers).json()["plugins"]
    views = [view for plugin in plugins if plugin["name"] == "sentiment" for view in plugin["external_views"]]
    assert [(view["name"], view["destination"], "/" + view["href"]) for view in views] == [
        ("Sentiment", "nav", "/sentiment/")
    ]


def airflow_token(airflow_url: str, user: str, password: str) -> str:
    """Log in and return the token."""
    login = {"username": user, "password": password}
    answer = urllib3.request("POST", f"{airflow_url}/auth/token", json=login, timeout=30, retries=False)
    return str(answer.json()["access_token"])


def _get(airflow_url: str, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", airflow_url + path, headers=headers, timeout=30, retries=False, redirect=False)
