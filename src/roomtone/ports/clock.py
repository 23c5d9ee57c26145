"""The two things a pure core may not make up: the time and new ids."""

from typing import Protocol


class Clock(Protocol):
    """Time and identity. Tests hand in their own."""

    def now(self) -> int:
        """Epoch milliseconds, UTC."""
        ...

    def new_id(self) -> str:
        """A fresh lower-case UUID v4."""
        ...
