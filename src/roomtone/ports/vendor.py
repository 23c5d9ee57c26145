"""Vendor: another RealtimeKit-shaped service, whose sessions are read and never changed."""

from typing import Any, Protocol

JsonObject = dict[str, Any]


class Vendor(Protocol):
    """What it keeps, as it says it. Every method raises Failed when it cannot be asked."""

    async def sessions(self, since: int | None, page: int) -> list[JsonObject]:
        """A page (from 1) of the sessions that started at ``since`` (epoch ms) or later, the oldest
        first; empty past the last."""
        ...

    async def participants(self, session_id: str, page: int) -> list[JsonObject]:
        """A page (from 1) of the participants of a session; empty past the last."""
        ...

    async def report(self, peer_id: str) -> JsonObject | None:
        """``data.participant`` of a peer's report; None: there is none (any more)."""
        ...

    async def chat(self, session_id: str) -> bytes | None:
        """The chat's file; None: there is none (any more)."""
        ...

    async def transcript(self, session_id: str) -> bytes | None:
        """The transcript's file, as JSON; None: there is none (any more)."""
        ...

    async def summary(self, session_id: str) -> bytes | None:
        """The summary's file; None: there is none (any more)."""
        ...
