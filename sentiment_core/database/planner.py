"""Settings of PostgreSQL's planner for statements whose tables have no statistics yet."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2


@contextmanager
def without_nested_loops(cursor: Cursor) -> Iterator[None]:
    """Plan statements that compare a file's rows with its scores without nested loops.

    PostgreSQL's statistics do not cover a newly loaded file, so the planner expects a few rows. A nested loop then
    reads one side again for each row of the other, which takes minutes for some thousand rows. The setting that was in
    force before is restored at the end.
    """
    cursor.execute("SELECT current_setting('enable_nestloop'), set_config('enable_nestloop', 'off', true)")
    (before, _) = cursor.fetchone()  # type: ignore[misc]
    yield
    cursor.execute("SELECT set_config('enable_nestloop', %s, true)", (before,))
