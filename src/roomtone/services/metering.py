"""Metering: who is told how long things take and how they end.

:class:`Unmetered` tells nobody and costs nothing; ``web/metrics.py`` counts for Prometheus.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, cast

from roomtone.model.digests import Digest
from roomtone.model.sessions import Session
from roomtone.ports.courier import Answer, Courier
from roomtone.ports.journal import Batch, Journal


class Unmetered:
    """Hands back what it is given."""

    def journal(self, journal: Journal) -> Journal:
        """The journal, with its appends timed."""
        return journal

    def courier(self, courier: Courier) -> Courier:
        """The courier, with what came of each try counted."""
        return courier

    def sealed(self, session: Session | None, digest: Digest | None) -> None:
        """A session was sealed."""


UNMETERED = Unmetered()


class TimedJournal:
    """A journal whose appends are timed."""

    def __init__(self, journal: Journal, observe: Callable[[float], None]) -> None:
        """``observe`` is told seconds."""
        self._journal = journal
        self._append = journal.append
        self._observe = observe

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        """See the port."""
        start = perf_counter()
        stored = await self._append(batches)
        self._observe(perf_counter() - start)
        return stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


def timed(journal: Journal, observe: Callable[[float], None]) -> Journal:
    """The journal, with its appends timed; those that fail are not."""
    return cast("Journal", TimedJournal(journal, observe))


class CountedCourier:
    """A courier whose answers are counted."""

    def __init__(self, courier: Courier, count: Callable[[str], None]) -> None:
        self._courier = courier
        self._count = count

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See the port."""
        answer = await self._courier.post(url, headers, body)
        self._count(outcome_of(answer))
        return answer


def outcome_of(answer: Answer) -> str:
    """What came of a try, in a word."""
    if answer.forbidden:
        return "forbidden"
    if answer.status is None:
        return "unreachable"
    if answer.status >= 500:
        return "failed"
    return "delivered" if 200 <= answer.status < 300 else "refused"
