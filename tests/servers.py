"""Real PostgreSQL and Redis for tests and benchmarks: private, on Unix sockets, gone at the end.

Works as root and as anybody: PostgreSQL refuses to run as root, so root becomes another user in a
user namespace or, where that is forbidden, for real. A server dies with the process that began it.
"""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import MetaData, create_mock_engine
from sqlalchemy.dialects import postgresql, sqlite

from config.runtime.database.connect import DatabaseOptions, sqlite_path
from config.runtime.database.postgresql import PostgresqlOptions
from config.runtime.database.sqlite import SqliteOptions

PATIENCE = 30.0
"""Seconds that a server may take to answer."""

PATIENT = DatabaseOptions(
    sqlite=SqliteOptions(deadline=PATIENCE), postgresql=PostgresqlOptions(deadline=PATIENCE)
)
"""For tests that are not about deadlines: a busy machine is no failure."""

INITIAL = ("-A", "trust", "-U", "postgres", "--no-sync", "-k", "-E", "UTF8", "--locale=C")
"""How a cluster is made: no passwords, checksums, UTF-8, text ordered by code point."""


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.02)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(slots=True)
class Server:
    """A child process in a directory of its own."""

    directory: Path
    command: Sequence[str]
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, ready: Callable[[], bool]) -> None:
        """Start the process and return when ``ready``."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        _wait(ready, self.process)

    def stop(self, how: signal.Signals) -> None:
        """Send ``how`` and wait until the process is gone."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)


_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$ DECLARE each record; BEGIN
FOR each IN SELECT format('%I', tablename) AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE 'DELETE FROM ' || each.name;
END LOOP;
FOR each IN SELECT format('%I', sequencename) AS name FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE 'ALTER SEQUENCE ' || each.name || ' RESTART';
END LOOP; END $$;
"""


@dataclass(slots=True)
class Postgresql(Server):
    """A PostgreSQL server. ``url`` names a database in it."""

    binaries: Path

    def url(self, database: str) -> str:
        """Return the address of ``database``."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.directory), safe='')}"

    def ready(self) -> bool:
        """Return whether the server answers."""
        return _succeeds(str(self.binaries / "pg_isready"), "-q", "-h", str(self.directory))

    def create(self, database: str, template: str = "template0") -> str:
        """Create ``database`` as a copy of ``template`` and return its address."""
        self.run("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop ``database`` even if it is in use."""
        self.run("postgres", f'DROP DATABASE "{database}" WITH (FORCE)')

    def empty(self, database: str) -> None:
        """Cut whoever is in ``database`` still, and take every row out of it."""
        self.run(database, _EMPTY)

    def run(self, database: str, sql: str) -> None:
        """Run ``sql`` in ``database``."""
        _psql(self.url(database), sql)

    def restart(self) -> None:
        """Cut every connection at once, as a crash does, and come back."""
        self.stop(signal.SIGQUIT)
        self.start(self.ready)


@dataclass(slots=True)
class Redis(Server):
    """A Redis server that keeps nothing."""

    @property
    def socket(self) -> Path:
        """The Unix socket on which it listens."""
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return f"unix://{self.socket}"

    def ready(self) -> bool:
        """Return whether the server answers."""
        return _succeeds("redis-cli", "-s", str(self.socket), "ping")

    def empty(self) -> None:
        """Forget everything."""
        subprocess.run(
            ["redis-cli", "-s", str(self.socket), "flushall"], check=True, capture_output=True
        )


@contextlib.contextmanager
def _directory(prefix: str) -> Iterator[Path]:
    # A socket's path has at most 107 bytes, which pytest's own directories may exceed.
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _as_another_user(directory: Path) -> list[str]:
    """Return the command prefix under which PostgreSQL consents to run."""
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "-U", "--map-user=1000", "--map-group=1000"]
    if _succeeds(*namespace, "true"):
        return namespace
    os.chown(directory, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def _binaries() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is not installed (apt install postgresql)")
    return Path(on_path).parent


@contextlib.contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[Postgresql]:
    """Run a PostgreSQL server; ``durable`` makes commits wait for the disk, for benchmarks."""
    binaries = _binaries()
    with _directory("symbolon-pg-") as directory:
        prefix = _as_another_user(directory)
        cluster = str(directory / "cluster")
        subprocess.run(
            [*prefix, str(binaries / "initdb"), "-D", cluster, *INITIAL],
            check=True,
            capture_output=True,
            cwd=directory,
        )
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={directory}",
            "max_connections=200",
            *([] if durable else ["fsync=off", "full_page_writes=off"]),
        ]
        # The server shuts down at once when the thread that began it is gone.
        command = [*prefix, "setpriv", "--pdeathsig", "QUIT", str(binaries / "postgres")]
        command += ["-D", cluster, *(part for setting in settings for part in ("-c", setting))]
        server = Postgresql(directory=directory, command=command, binaries=binaries)
        try:
            server.start(server.ready)
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@contextlib.contextmanager
def redis_server() -> Iterator[Redis]:
    """Run a Redis server."""
    with _directory("symbolon-redis-") as directory:
        command = ["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", "0"]
        command += [
            "--unixsocket",
            str(directory / "redis.sock"),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        server = Redis(directory=directory, command=command)
        try:
            server.start(server.ready)
            yield server
        finally:
            server.stop(signal.SIGKILL)


def create_tables(url: str, tables: MetaData) -> None:
    """Create ``tables`` in the empty database at ``url``, without migrations."""
    path = sqlite_path(url)
    dialect = sqlite.dialect() if path is not None else postgresql.dialect()  # type: ignore[no-untyped-call]
    script: list[str] = []
    engine = create_mock_engine(
        f"{dialect.name}://", lambda sql, *_: script.append(str(sql.compile(dialect=dialect)))
    )
    tables.create_all(engine, checkfirst=False)
    if path is None:
        _psql(url, ";\n".join(script))
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(";\n".join(script))


def _psql(url: str, sql: str) -> None:
    subprocess.run(
        [str(_binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", url],
        input=sql.encode(),
        check=True,
        capture_output=True,
    )
