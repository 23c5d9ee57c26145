"""Retention: what is kept for how long, taken away in small bites.

Ages count from the sealing of a session, so a recording of last year that is imported today is
kept as long as today's calls. The journal repeats everything, so it never outlives the kind that is
kept shortest: what is taken away is away.

A clock that is set a year ahead makes everything a year old. So a clock that leapt is not believed
for a day, in which somebody may notice; set right again it is believed at once.
"""

from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.artifacts import CHAT, SUMMARY, TRANSCRIPT
from roomtone.model.sessions import Session
from roomtone.model.times import iso
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Journal
from roomtone.ports.records import Records, Transaction
from roomtone.services.artifacts import Artifacts
from roomtone.services.words import session_subject

DAY_MS = 24 * 3600 * 1000
SESSIONS_A_BITE = 20
WORDS_A_BITE = 2_000
ROWS_A_BITE = 1_000

LEAP_MS = DAY_MS
"""It runs every hour: what passed since the last time is an absence, or a wrong clock."""
DOUBT_MS = DAY_MS
_RAN = "retention.ran_at"
_DOUBT = "retention.doubt_until"

log = structlog.get_logger()


class Keep(Struct, frozen=True, kw_only=True):
    """Days; 0 keeps for ever."""

    journal: int = 30
    reports: int = 0
    chat: int = 0
    transcripts: int = 0
    summaries: int = 0
    webhook_log: int = 0

    @property
    def journal_days(self) -> int:
        """The journal's own days, or those of the kind that is kept shortest; 0: for ever."""
        days = (self.journal, self.reports, self.chat, self.transcripts)
        return min((each for each in days if each), default=0)


class Retention:
    """Takes away what is too old."""

    def __init__(
        self, journal: Journal, records: Records, artifacts: Artifacts, clock: Clock, keep: Keep
    ) -> None:
        self._journal = journal
        self._records = records
        self._artifacts = artifacts
        self._clock = clock
        self._keep = keep

    async def bite(self) -> int:
        """Take some away; how many things (sessions' journals, reports …) went, 0 when done, or
        while the clock is in doubt."""
        if await self._doubts_clock():
            return 0
        keep = self._keep
        gone = await self._sessions("journal", keep.journal_days, self._trim)
        gone += await self._strays(keep.journal_days)
        gone += await self._sessions("reports", keep.reports, self._drop_reports)
        gone += await self._sessions("chat", keep.chat, self._drop_chat)
        gone += await self._sessions("transcripts", keep.transcripts, self._drop_transcript)
        gone += await self._sessions("summaries", keep.summaries, self._drop_summary)
        if keep.webhook_log:
            before = self._clock.now() - keep.webhook_log * DAY_MS
            gone += await self._records.write(
                lambda tx: tx.hooks.drop_old_deliveries(before, ROWS_A_BITE)
            )
        return gone

    async def _doubts_clock(self) -> bool:
        """Whether so much time passed since the last round that the clock may be wrong."""
        now = self._clock.now()

        def look(tx: Transaction) -> tuple[int, int]:
            ran, until = tx.cursor(_RAN), tx.cursor(_DOUBT)
            leap = now - ran if ran else 0
            if leap < 0:
                until = 0  # it was set back: right again, or as good as
            elif leap > LEAP_MS:
                until = now + DOUBT_MS
            tx.set_cursor(_RAN, now)
            tx.set_cursor(_DOUBT, until)
            return leap, until

        leap, until = await self._records.write(look)
        if leap > LEAP_MS:
            log.warning(
                "retention waits",
                days_since_the_last_round=round(leap / DAY_MS, 1),
                until=iso(until),
                hint="If this machine's clock is wrong, set it right before then; if Roomtone was "
                "off for so long, there is nothing to do.",
            )
        return now < until

    async def _sessions(
        self, kind: str, days: int, drop: Callable[[Session], Awaitable[None]]
    ) -> int:
        """Go on through the sessions that were sealed so many days ago, in that order."""
        if not days:
            return 0
        before = self._clock.now() - days * DAY_MS
        cursor = f"retention.{kind}"
        after, sessions = await self._records.read(
            lambda tx: (
                tx.cursor(cursor),
                tx.sessions.sealed_between(tx.cursor(cursor), before, SESSIONS_A_BITE),
            )
        )
        for session in sessions:
            await drop(session)
        if sessions:
            last = sessions[-1].sealed_at or 0
            if len(sessions) == SESSIONS_A_BITE:
                # Others may have been sealed in the same millisecond: what is done twice is done.
                last = max(last - 1, after + 1)
            await self._records.write(lambda tx: tx.set_cursor(cursor, last))
            log.info("retention", kind=kind, sessions=len(sessions))
        return len(sessions)

    async def _trim(self, session: Session) -> None:
        """Erase a session's journal. First it is noted, so that nobody folds half of it."""
        now = self._clock.now()

        def note(tx: Transaction) -> list[bytes]:
            held = tx.sessions.session_by_id(session.id)
            if held is not None and held.trimmed_at is None:
                tx.sessions.put_session(replace(held, trimmed_at=now))
            return [peer.subject for peer in tx.sessions.peers(session.id)]

        for subject in await self._records.write(note):
            await self._journal.forget(subject)
        await self._journal.forget(session_subject(session).key)

    async def _strays(self, days: int) -> int:
        """Erase what was said by those who never joined anything."""
        if not days:
            return 0
        before = self._clock.now() - days * DAY_MS
        subjects = await self._journal.oldest(before, ROWS_A_BITE)

        def unjoined(tx: Transaction) -> list[bytes]:
            return [
                subject.key
                for subject in subjects
                if subject.participant_id and tx.sessions.peer_by_subject(subject.key) is None
            ]

        strays = await self._records.read(unjoined)
        for subject in strays:
            await self._journal.forget(subject)

        def drop(tx: Transaction) -> None:
            for subject in strays:
                tx.words.drop_pending(subject)

        if strays:
            await self._records.write(drop)
        return len(strays)

    async def _drop_reports(self, session: Session) -> None:
        def drop(tx: Transaction) -> None:
            for peer in tx.sessions.peers(session.id):
                tx.reports.drop_report(peer.subject)

        await self._records.write(drop)

    async def _drop_chat(self, session: Session) -> None:
        await self._drop_words(session, CHAT)

    async def _drop_transcript(self, session: Session) -> None:
        await self._drop_words(session, TRANSCRIPT)

    async def _drop_words(self, session: Session, kind: str) -> None:
        now = self._clock.now()
        await self._artifacts.erase(session, kind)
        while await self._records.write(
            lambda tx: tx.words.drop_words(kind, session.id, WORDS_A_BITE)
        ):
            pass

        def note(tx: Transaction) -> None:
            tx.artifacts.drop_artifacts(session.id, kind)
            spoken = tx.words.spoken(session.id)
            if spoken is None:
                return
            if kind == CHAT:
                tx.words.put_spoken(replace(spoken, chat_dropped_at=now))
            else:
                tx.words.put_spoken(replace(spoken, transcript_dropped_at=now))

        await self._records.write(note)

    async def _drop_summary(self, session: Session) -> None:
        await self._artifacts.erase(session, SUMMARY)
        await self._records.write(lambda tx: tx.artifacts.drop_artifacts(session.id, SUMMARY))
