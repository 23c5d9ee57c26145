"""Workers: the processes that share work, as they know of each other.

A worker lives as long as its number of beats moves, by whoever watches; no machine's time of day
is asked, so no clock that is set back or forth kills or revives anybody.
"""

from typing import Protocol

from msgspec import Struct


class Worker(Struct, frozen=True):
    """One process. ``number``: smaller came earlier; ``beats``: -1 once it has left."""

    number: int
    id: str
    beats: int


class Workers(Protocol):
    """The rows of them, and what each has claimed for itself."""

    async def beat(self, worker_id: str) -> list[Worker]:
        """Say that this one lives, joining if it is not there; everybody, in order of coming."""
        ...

    async def leave(self, worker_id: str) -> None:
        """Say that this one is going: its claims end, and others may take its work at once."""
        ...

    async def bury(self, worker_id: str) -> None:
        """Take one that is dead or has left out of the rows, and its claims with it."""
        ...

    async def claim(self, worker_id: str, webhook_id: str) -> bool:
        """Claim a webhook's deliveries; False: another has them."""
        ...

    async def release(self, worker_id: str, webhook_id: str) -> None:
        """Give a claim back, if it is held."""
        ...

    def holds(self, worker_id: str, webhook_id: str) -> bool:
        """Whether a claim still stands: who was taken for dead has lost it."""
        ...
