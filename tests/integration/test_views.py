"""The views for analysts: each view and column has a comment, and the dbt package repeats it with the column's type."""

import yaml

from demo.dbt_sources import SOURCES, refreshed
from sentiment_core.database.connection import connect


def test_the_dbt_package_has_every_view_with_its_comments_and_types(database_url) -> None:
    content = yaml.safe_load(SOURCES.read_text())
    with connect(database_url) as connection:
        expected = refreshed(content, connection)
    assert content == expected, "run `make schema`"
    for view in content["sources"][0]["tables"]:
        assert view["description"], view["name"]
        assert view["data_tests"], f"{view['name']} has no test of its key"
        for column in view["columns"]:
            assert column["description"], f"{view['name']}.{column['name']}"
            assert column["data_type"] != "unknown"


def test_a_new_view_and_a_new_column_are_added_and_tests_are_kept(database_url) -> None:
    content = yaml.safe_load(SOURCES.read_text())
    with connect(database_url) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE VIEW sentiment.later AS SELECT 1 AS one")
            cursor.execute("COMMENT ON COLUMN sentiment.later.one IS 'One.'")
            cursor.execute("GRANT SELECT ON sentiment.later TO sentiment_reader")
            cursor.execute("CREATE VIEW sentiment.internal AS SELECT 1 AS one")
        changed = refreshed(content, connection)
    *before, last = changed["sources"][0]["tables"]
    assert before == content["sources"][0]["tables"]
    assert last["name"] == "later"
    assert last["columns"] == [{"name": "one", "data_type": "integer", "description": "One."}]
