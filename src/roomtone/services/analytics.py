"""Analytics: figures of days, from what the digests add up to; no session is looked at but those
that are not sealed.

A session counts on the UTC day it started on, from the moment it starts. While it is LIVE, or waits
to be sealed (anew), its minutes and peers come from its row, as the session list shows them; its
MOS, findings and names come once it is sealed, or are those of the last time.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from roomtone.model.digests import DayFigures, Headline, Named, OpenSession, Share, day_of
from roomtone.model.sessions import Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction

WORST = 10
"""Sessions that an overview names."""


class Days(Struct, frozen=True):
    """Figures of every day from ``first`` to ``last``, ascending, days without sessions too."""

    first: int
    last: int
    days: tuple[DayFigures, ...]

    @property
    def total(self) -> Share:
        """All days together."""
        return _sum(day.figures for day in self.days)


class Overview(Struct, frozen=True):
    """What an app's days were like."""

    days: Days
    names: tuple[Named, ...]
    worst: tuple[tuple[Session, Headline], ...]


class Analytics:
    """Answers for the façade and the console."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def today(self) -> int:
        """The number of the current UTC day."""
        return day_of(self._clock.now())

    async def days(self, app_id: str, first: int, last: int) -> Days:
        """Sessions and minutes by day."""
        now = self._clock.now()
        return await self._records.read(lambda tx: _days(tx, app_id, first, last, now))

    async def overview(self, app_id: str, first: int, last: int) -> Overview:
        """Everything that is counted, and the sessions that were worst."""
        now = self._clock.now()

        def ask(tx: Transaction) -> Overview:
            worst = tx.digests.worst(app_id, first, last, WORST)
            held = ((tx.sessions.session(app_id, one.session_id), one) for one in worst)
            return Overview(
                _days(tx, app_id, first, last, now),
                tuple(tx.digests.names(app_id, first, last)),
                tuple((session, one) for session, one in held if session is not None),
            )

        return await self._records.read(ask)


def _days(tx: Transaction, app_id: str, first: int, last: int, now: int) -> Days:
    kept = {day.day: day.figures for day in tx.digests.days(app_id, first, last)}
    for day, share in _moves(tx.digests.open_sessions(app_id), now):
        if first <= day <= last:
            kept[day] = _sum((kept.get(day, Share()), share))
    nothing = Share()
    days = (DayFigures(day, kept.get(day, nothing)) for day in range(first, last + 1))
    return Days(first, last, tuple(days))


def _moves(sessions: Sequence[OpenSession], now: int) -> Iterable[tuple[int, Share]]:
    """What those that are not sealed add to their days, less what they added before."""
    for one in sessions:
        yield day_of(one.started_at), Share(1, one.used_ms(now), one.peers)
        if one.before_day is not None:
            yield one.before_day, Share(-1, -one.before_closed_ms, -one.before_peers)


def _sum(shares: Iterable[Share]) -> Share:
    """Everything but the names."""
    told = list(shares)
    return Share(
        sessions=sum(one.sessions for one in told),
        closed_ms=sum(one.closed_ms for one in told),
        peers=sum(one.peers for one in told),
        errors=sum(one.errors for one in told),
        warnings=sum(one.warnings for one in told),
        mos_sum=sum(one.mos_sum for one in told),
        mos_count=sum(one.mos_count for one in told),
    )
