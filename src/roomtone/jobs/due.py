"""The loops that notice what is due, and queue the work: sessions to seal, words to write out."""

import asyncio

from roomtone.jobs.durable import DurableJobs
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records
from roomtone.services.summaries import Summaries
from roomtone.services.words import Words

TICK_S = 0.5
SETTLE_MS = 1_500
"""A session is sealed so long after its last change: late batches of a closing page still count."""
SESSIONS_A_TICK = 100
HOUR_MS = 3_600_000
TIDY_MS = 60_000


class DueSeals:
    """Looks for unsealed sessions; every look is a tick."""

    def __init__(self, records: Records, clock: Clock, jobs: DurableJobs) -> None:
        self._records = records
        self._clock = clock
        self._jobs = jobs

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> int:
        """Queue what is due; how many."""
        now = self._clock.now()
        due = [
            session
            for session in await self._records.read(
                lambda tx: tx.sessions.unsealed_sessions(SESSIONS_A_TICK)
            )
            if session.updated_at + SETTLE_MS <= now
        ]
        for session in due:
            # The hour lets work that failed for good be tried again, but not in a tight circle.
            work_id = f"seal:{session.id}:{session.updated_at}:{now // HOUR_MS}"
            await self._jobs.seal(work_id, session.id)
        return len(due)


class DueWords:
    """Looks for words that wait for their peer, files older than their words, and summaries that
    were ordered; and every hour has what is too old taken away."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        jobs: DurableJobs,
        words: Words,
        summaries: Summaries,
    ) -> None:
        self._records = records
        self._clock = clock
        self._jobs = jobs
        self._words = words
        self._summaries = summaries
        self._tidied_at = 0
        self._retained_at = 0

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> int:
        """Queue what is due; how much."""
        now = self._clock.now()
        await self._words.settle()
        due = await self._records.read(
            lambda tx: tx.words.due_sessions(now - SETTLE_MS, SESSIONS_A_TICK)
        )
        for spoken in due:
            revisions = f"{spoken.chat_revision}:{spoken.transcript_revision}"
            work_id = f"publish:{spoken.session_id}:{revisions}:{now // HOUR_MS}"
            await self._jobs.publish(work_id, spoken.session_id)
        ordered = await self._summaries.open_jobs()
        for job in ordered:
            await self._jobs.summarise(job.id)
        if now - self._retained_at >= HOUR_MS:
            self._retained_at = now
            await self._jobs.retain(f"retain:{now // HOUR_MS}")
        if now - self._tidied_at >= TIDY_MS:
            self._tidied_at = now
            await self._jobs.tidy()
        return len(due) + len(ordered)
