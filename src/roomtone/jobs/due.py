"""The loops that notice what is due, and queue the work: sessions to seal, words to write out."""

import asyncio

from roomtone.jobs.durable import DurableJobs
from roomtone.jobs.news import News
from roomtone.model.times import AHEAD_MS
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records
from roomtone.services.summaries import Summaries
from roomtone.services.words import Words

TICK_S = 0.5
SETTLE_MS = 1_500
"""A session is sealed so long after its last change: late batches of a closing page still count."""
LINGER_S = SETTLE_MS / 1000 + 2 * TICK_S
"""By then everything that a change makes due was seen to be."""
AT_LEAST_S = 5.0
"""The longest time without a look: work that failed is asked for again after minutes."""
SESSIONS_A_TICK = 100
HOUR_MS = 3_600_000
AGAIN_MS = 300_000
"""Work that failed for good is tried again so much later: JetStream, say, was away for long."""
TIDY_MS = 60_000


class DueSeals:
    """Looks for unsealed sessions; every look is a tick."""

    def __init__(self, records: Records, clock: Clock, jobs: DurableJobs) -> None:
        self._records = records
        self._clock = clock
        self._jobs = jobs

    async def run(self) -> None:
        """Tick for ever, whenever it may be of use."""
        news = News(self._records, linger_s=LINGER_S, at_least_s=AT_LEAST_S)
        while True:
            if news.worth_a_look():
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
            if not now - SETTLE_MS < session.updated_at <= now + AHEAD_MS
        ]
        for session in due:
            work_id = f"seal:{session.id}:{session.updated_at}:{now // AGAIN_MS}"
            await self._jobs.seal(work_id, session.id, session.updated_at)
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
        """Tick for ever, whenever it may be of use."""
        news = News(self._records, linger_s=LINGER_S, at_least_s=AT_LEAST_S)
        while True:
            if news.worth_a_look():
                await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> int:
        """Queue what is due; how much."""
        now = self._clock.now()
        await self._words.settle()
        due = await self._records.read(
            lambda tx: tx.words.due_sessions(now - SETTLE_MS, SESSIONS_A_TICK, ahead=now + AHEAD_MS)
        )
        for spoken in due:
            revisions = f"{spoken.chat_revision}:{spoken.transcript_revision}"
            work_id = f"publish:{spoken.session_id}:{revisions}:{now // AGAIN_MS}"
            await self._jobs.publish(work_id, spoken.session_id)
        ordered = await self._summaries.open_jobs()
        for job in ordered:
            await self._jobs.summarise(job.id)
        if abs(now - self._retained_at) >= HOUR_MS:
            self._retained_at = now
            await self._jobs.retain(f"retain:{now // HOUR_MS}")
        if abs(now - self._tidied_at) >= TIDY_MS:
            self._tidied_at = now
            await self._jobs.tidy()
        return len(due) + len(ordered)
