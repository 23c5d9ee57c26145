"""Moment: what was just looked up is believed for a moment, so that a burst asks once."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Moment(Generic[K, V]):
    """At most ``most`` values, each for ``ms`` milliseconds."""

    def __init__(self, ms: int, most: int) -> None:
        self._ms = ms
        self._most = most
        self._held: dict[K, tuple[int, V]] = {}

    def get(self, key: K, now: int) -> V | None:
        """The value, if it was put in a moment ago. A clock that was set back forgets all."""
        held = self._held.get(key)
        if held is None or not held[0] <= now < held[0] + self._ms:
            return None
        return held[1]

    def put(self, key: K, value: V, now: int) -> None:
        """Believe this from now on for a moment."""
        if len(self._held) >= self._most and key not in self._held:
            self._held.clear()
        self._held[key] = (now, value)

    def forget(self) -> None:
        """Believe nothing any more."""
        self._held.clear()
