"""Write the comments and types of the views into the dbt package: `python -m demo.dbt_sources` (`make schema`)."""

import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import Connection, connect

SOURCES: Final = Path(__file__).parent.parent / "sql" / "dbt" / "models" / "sources.yml"

# The views that analysts can read, with their columns. The search path makes types carry their schema.
_COLUMNS: Final = """
    SELECT relname, obj_description(c.oid), attname, format_type(atttypid, atttypmod), col_description(c.oid, attnum)
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
    WHERE relnamespace = 'sentiment'::regnamespace AND relkind = 'v'
        AND has_table_privilege('sentiment_reader', c.oid, 'SELECT')
    ORDER BY relname, attnum
"""


def refreshed(content: dict[str, Any], connection: Connection) -> dict[str, Any]:
    """Return the content of sources.yml with the views, columns, types and comments of a database.

    Tests and freshness of views and columns that still exist are kept, and so is the order of the views.
    """
    [source] = content["sources"]
    known = {view["name"]: view for view in source["tables"]}
    found: dict[str, dict[str, Any]] = {}
    with connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        cursor.execute(_COLUMNS)
        for name, description, column, data_type, comment in cursor:
            if name not in found:
                found[name] = {"name": name} | known.get(name, {}) | {"description": description, "columns": []}
            tests = _tests(known.get(name, {}), column)
            found[name]["columns"].append({"name": column, "data_type": data_type, "description": comment} | tests)
    order = [name for name in known if name in found]
    order += [name for name in found if name not in known]
    return content | {"sources": [source | {"tables": [found[name] for name in order]}]}


def _tests(view: dict[str, Any], column: str) -> dict[str, Any]:
    for each in view.get("columns", ()):
        if each["name"] == column and "data_tests" in each:
            return {"data_tests": each["data_tests"]}
    return {}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Repeat equal values instead of naming them."""
        del data
        return True


def main() -> None:
    """Migrate an empty database on a separate server, and rewrite sources.yml from its views."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres",), durable=False) as stack:
        url = stack.postgres.create_database("described")
        migrations.upgrade(url)
        with connect(url) as connection:
            content = refreshed(yaml.safe_load(SOURCES.read_text(encoding="utf-8")), connection)
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    SOURCES.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
