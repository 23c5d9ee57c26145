"""PostgreSQL and NATS for one run of the tests, where they are installed and do not run."""

import os
import shutil
import tempfile
from pathlib import Path

import shared_database
from own_servers import OwnNats, OwnPostgres
from parts import nats_here

DEBIAN = Path("/usr/lib/postgresql")
FOR_A_RUN = ("fsync=off", "full_page_writes=off")
"""So a test's schema is dropped in a tenth of the time. No test takes the machine's power away, and
those that kill PostgreSQL have one of their own."""


class LentServers:
    """Started once by the process that begins the run; the tests find them by the environment."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._postgres: OwnPostgres | None = None
        self._nats: OwnNats | None = None

    def start(self) -> None:
        """Start what does not answer, where its program is installed."""
        # Debian keeps the server's programs off the PATH.
        found = [os.environ["PATH"], *map(str, sorted(DEBIAN.glob("*/bin"), reverse=True))]
        os.environ["PATH"] = os.pathsep.join(found)
        if shutil.which("initdb") and not shared_database.here():
            self._postgres = OwnPostgres(self._made(), settings=FOR_A_RUN).start()
            os.environ["ROOMTONE_TEST_POSTGRESQL"] = self._postgres.url
            shared_database.here.cache_clear()
        if shutil.which("nats-server") and not nats_here():
            self._nats = OwnNats(self._made()).start()
            os.environ["ROOMTONE_TEST_NATS"] = self._nats.url

    def stop(self) -> None:
        """Stop what was started."""
        if self._postgres is not None:
            self._postgres.stop()
        if self._nats is not None:
            self._nats.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _made(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="roomtone-tests-"))
        return self._folder
