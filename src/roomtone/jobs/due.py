"""The loop that notices sessions which are over and not sealed, and queues the work."""

import asyncio

from roomtone.jobs.durable import DurableJobs
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records

TICK_S = 0.5
SETTLE_MS = 1_500
"""A session is sealed so long after its last change: late batches of a closing page still count."""
SESSIONS_A_TICK = 100
HOUR_MS = 3_600_000


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
