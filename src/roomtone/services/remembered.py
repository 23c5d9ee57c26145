"""Remembered: what was looked up is true until somebody commits something, and no longer.

Asking whether anything was committed costs a third of a look-up, so a busy reader of a quiet
database is served from memory; under writes every question goes to the database, as it should.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from roomtone.ports.records import Records, Transaction

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers of look-ups by key, at most ``most`` of them; only what was found is remembered."""

    def __init__(self, records: Records, most: int) -> None:
        self._records = records
        self._most = most
        self._version: Hashable = None
        self._found: dict[K, V] = {}

    def get(self, key: K, ask: Callable[[Transaction], V | None]) -> V | None:
        """What ``ask`` finds, now."""
        version = self._records.version()
        if version != self._version:
            self._found.clear()
            self._version = version
        found = self._found.get(key)
        if found is None:
            found = self._records.peek(ask)
            if found is not None:
                if len(self._found) >= self._most:
                    self._found.clear()
                self._found[key] = found
        return found
