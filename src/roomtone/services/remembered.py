"""Remembered: what was looked up is true until somebody commits something, and no longer.

Asking whether anything was committed costs a third of a look-up, so a busy reader of a quiet
database is served from memory; under writes every question goes to the database, as it should.
While the database is away nobody commits anything either: what was found before is still believed,
where the caller wants that.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from roomtone.model.errors import Failed
from roomtone.ports.records import Records, Transaction

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers of look-ups by key, at most ``most`` of them; only what was found is remembered."""

    def __init__(self, records: Records, most: int, *, outlive: bool = False) -> None:
        """``outlive``: goes on with what was found before while the database is away."""
        self._outlive = outlive
        self._before: dict[K, V] = {}
        self._records = records
        self._most = most
        self._version: Hashable = None
        self._found: dict[K, V] = {}

    @property
    def version(self) -> Hashable:
        """Of the records, from before the latest look-up."""
        return self._version

    def note(self, key: K, found: V, version: Hashable) -> None:
        """Remember what was found elsewhere, looked up after ``version`` was asked for."""
        if version == self._version and len(self._found) < self._most:
            self._found[key] = found

    def get(self, key: K, ask: Callable[[Transaction], V | None]) -> V | None:
        """What ``ask`` finds, now."""
        version = self._records.version()
        if version != self._version:
            if self._outlive:
                if len(self._before) + len(self._found) > self._most:
                    self._before.clear()
                self._before.update(self._found)
            self._found.clear()
            self._version = version
        found = self._found.get(key)
        if found is None:
            try:
                found = self._records.peek(ask)
            except Failed:
                if key not in self._before:
                    raise
                return self._before[key]
            self._before.pop(key, None)
            if found is not None:
                if len(self._found) >= self._most:
                    self._found.clear()
                self._found[key] = found
        return found
