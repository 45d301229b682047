"""Loading of the plugins folder by each of Airflow's programs."""

LOAD = """
import json, sys
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
early = sorted(name for name in sys.modules if name.startswith("sentiment_") or name in {"app", "ledger", "__init__"})
apps, _ = plugins_manager.get_fastapi_plugins()
[app] = [app for app in apps if app["name"] == "Sentiment"]
views, _ = plugins_manager._get_ui_plugins()
print(json.dumps({
    "errors": plugins_manager.get_import_errors(),
    "early": early,
    "prefix": app["url_prefix"],
    "guarded": [
        [getattr(each.call, "__qualname__", type(each.call).__name__) for each in route.dependant.dependencies]
        for route in app["app"].routes
    ],
    "views": [(view["name"], view["href"], view["destination"]) for view in views],
}))
"""


def test_only_the_api_server_loads_the_pages_and_airflow_guards_each_route(in_new_airflow) -> None:
    loaded = in_new_airflow(LOAD)
    assert loaded["errors"] == {}
    assert loaded["early"] == ["sentiment_pages"], "what every program of Airflow imports"
    assert loaded["prefix"] == "/sentiment"
    assert loaded["views"] == [["Sentiment", "sentiment/", "nav"]]
    assert loaded["guarded"]
    assert all("requires_access_dag.<locals>.inner" in guards for guards in loaded["guarded"])
