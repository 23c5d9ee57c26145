"""The digests of sessions, and the figures of days that they add up to."""

from collections.abc import Sequence
from typing import Protocol

from roomtone.model.digests import DayFigures, Digest, Headline, Named, OpenSession


class Digests(Protocol):
    """Part of a :class:`roomtone.ports.records.Transaction`.

    A day's figures are at any time the sum of the shares of the digests that are kept: ``put`` and
    ``drop`` take away what the digest before had added, in the same transaction.
    """

    def put(self, digest: Digest) -> None:
        """Insert or replace by session id; the session list filters by it from now on."""
        ...

    def drop(self, session_id: str) -> None:
        """Forget a digest and what it added; none is no error."""
        ...

    def digest(self, session_id: str) -> Digest | None:
        """None too for a session that was sealed by a version without digests."""
        ...

    def headlines(self, session_ids: Sequence[str]) -> dict[str, Headline]:
        """By session id; those without a digest are missing."""
        ...

    def days(self, app_id: str, first: int, last: int) -> list[DayFigures]:
        """Of the days ``first`` … ``last``, ascending; a day without sessions is missing."""
        ...

    def names(self, app_id: str, first: int, last: int) -> list[Named]:
        """Summed over the days ``first`` … ``last``, by dimension and name. ``sessions`` and
        ``peers`` count one that was named on several days once, as a session has one day."""
        ...

    def worst(self, app_id: str, first: int, last: int, limit: int) -> list[Headline]:
        """Of the sessions of the days ``first`` … ``last``, worst first, ties by id."""
        ...

    def open_sessions(self, app_id: str) -> list[OpenSession]:
        """Those that are not sealed now."""
        ...

    def undigested(self, session_id: str) -> bool:
        """Whether a session was sealed by a version without digests."""
        ...
