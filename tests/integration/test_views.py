"""The views for analysts: each view and column has a comment, and the types that the dbt package states."""

import yaml

from sentiment_core.database.connection import connect

SOURCES = "sql/dbt/models/sources.yml"


def test_the_dbt_package_has_every_view_with_the_comments_and_types_of_the_database(database_url, checkout) -> None:
    [sources] = yaml.safe_load((checkout / SOURCES).read_text())["sources"]
    stated = {
        (view["name"], view["description"]): [
            (column["name"], column["data_type"], column["description"]) for column in view["columns"]
        ]
        for view in sources["tables"]
    }
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")  # so that types have their schema
        cursor.execute(
            """
            SELECT relname, obj_description(c.oid), attname, format_type(atttypid, atttypmod),
                col_description(c.oid, attnum)
            FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
            WHERE relnamespace = 'sentiment'::regnamespace AND relkind = 'v' ORDER BY relname, attnum
            """
        )
        found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        for view, description, *column in cursor:
            found.setdefault((view, description), []).append(tuple(column))
    assert sorted(stated) == sorted(found)
    for view, columns in found.items():
        assert stated[view] == columns, f"{SOURCES} differs from the view {view[0]}"
