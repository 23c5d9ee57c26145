"""A PostgreSQL and its synchronous standby, either of which may become the other.

Synchronous, because a commit that only the primary knows is gone with it: whoever fails over to an
asynchronous standby loses what was told to be durable (docs/howto/scale-out.md).
"""

import signal
from pathlib import Path

from journey_server import wait_for

from own_servers import OwnPostgres

_FOLLOWS = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
_WAIT_FOR_IT = "ALTER SYSTEM SET synchronous_standby_names = '{names}'"


class PostgresPair:
    """``primary`` and ``standby``; ``url`` finds whichever takes writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = 0
        self.primary = OwnPostgres(folder / "first").start()
        self.standby = self._follow()
        self._ports = sorted((self.primary.port, self.standby.port))

    @property
    def url(self) -> str:
        """Of both, as libpq takes it."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"postgresql://roomtone@{hosts}/postgres?target_session_attrs=read-write"

    def fail_over(self) -> None:
        """The primary dies at once; the standby takes its place."""
        self.primary.stop(signal.SIGKILL)
        # As whoever promotes it must: it has nobody to wait for.
        self.standby.run("SELECT pg_promote()")
        self.standby.run(_WAIT_FOR_IT.format(names=""))
        self.standby.run("SELECT pg_reload_conf()")
        self.primary, self.standby = self.standby, self.primary

    def repair(self) -> None:
        """Where the dead one was, a new standby follows."""
        port = self.standby.port
        self.standby = self._follow(port)

    def _follow(self, port: int | None = None) -> OwnPostgres:
        self._copies += 1
        made = OwnPostgres(self._folder / f"copy{self._copies}", copy_of=self.primary)
        if port is not None:
            made.port = port
            made.url = f"postgresql://roomtone@127.0.0.1:{port}/postgres"
        made.start()
        self.primary.run(_WAIT_FOR_IT.format(names="*"))
        self.primary.run("SELECT pg_reload_conf()")
        wait_for("the standby", lambda: self.primary.run(_FOLLOWS) == [("sync",)])
        return made

    def stop(self) -> None:
        """End both."""
        self.standby.stop()
        self.primary.stop()
