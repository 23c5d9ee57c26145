"""Listening: whether anybody has committed anything since, told by PostgreSQL itself.

Every commit of records notifies a channel; a thread listens and counts. While it cannot listen
(the database is away, or has just come back), every answer differs from every other.
"""

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg
import structlog

from roomtone.storage.connections import explained
from roomtone.storage.postgres import ALIVE, CHANNEL, CONNECT_S, DOWN_S

WAKE_S = 1.0
"""How soon the thread notices that it is to stop."""

log = structlog.get_logger()


class Listening:
    """A number that moves with every commit, of whatever process."""

    def __init__(self, url: str, back: Callable[[], None] = lambda: None) -> None:
        """``back``: called on the listener's thread whenever the database answers again."""
        self._heard_once = False
        self._away_since: float | None = None
        self._url = url
        self._back = back
        self._count = count(1)
        self._version = 0
        self._deaf = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="roomtone-listener", daemon=True)
        self._thread.start()

    def version(self) -> int:
        """Equal to an earlier answer only if nothing was committed in between."""
        if self._deaf:
            self.moved()
        return self._version

    def moved(self) -> None:
        """Something was committed, here."""
        self._version = next(self._count)

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, connect_timeout=CONNECT_S, **ALIVE
                ) as driver:
                    driver.execute(f"LISTEN {CHANNEL}")
                    if self._heard_once:
                        self._back()
                    self._heard_once = True
                    self._tell_back(driver)
                    self.moved()
                    self._deaf = False
                    while not self._stop.is_set():
                        for _ in driver.notifies(timeout=WAKE_S, stop_after=1):
                            self.moved()
            except psycopg.Error as error:
                self._tell_away(error)
            finally:
                self._deaf = True
            self._stop.wait(DOWN_S)

    def _tell_away(self, error: psycopg.Error) -> None:
        """Once an outage, for the operator: every request that fails of it is told besides."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            told = explained(error)
            log.error(
                "PostgreSQL is away",
                error=getattr(told, "message", str(error)),
                hint=getattr(told, "hint", None),
            )

    def _tell_back(self, driver: psycopg.Connection[Any]) -> None:
        if self._away_since is not None:
            away_s = round(time.monotonic() - self._away_since, 1)
            self._away_since = None
            host = f"{driver.info.host}:{driver.info.port}"
            log.info("PostgreSQL is back", away_s=away_s, host=host)
