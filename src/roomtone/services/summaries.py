"""Summaries: made of the transcript when somebody asks, or at a session's end.

This half takes orders and hands out what was made; :mod:`summarising` makes it, in the background.
"""

import structlog
from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from roomtone.model.artifacts import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    QUEUED,
    SUMMARY,
    TRANSCRIPT,
    SummaryJob,
)
from roomtone.model.errors import Invalid, NotFound
from roomtone.model.rooms import Meeting
from roomtone.model.sessions import Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START
from roomtone.services.artifacts import NONE_AT_ALL, Artifacts, Link
from roomtone.services.sessions import NO_SUCH_SESSION

DEFAULT_WORD_LIMIT = 500
DEFAULT_FORMAT = "markdown"
DEFAULT_TYPE = "general"
"""Contract 2.5. Said here too, for the summariser itself takes a tenth of a second to import."""
OPEN_AT_ONCE = 100
LOST_MS = 2 * 3600 * 1000
"""A job that nobody has touched for so long was lost with the durable queue's own file."""

NEVER_ASKED = "No summary was made for this session: it was never asked for (POST makes one)."
GOING_ON = "The summary of this session is in progress; ask again in a moment."
WAITING = "The summary of this session is queued; ask again in a moment."
DROPPED = "The summary of this session is no longer kept (keep_summaries_days)."
NO_WORDS = "There is nothing to summarise. "

log = structlog.get_logger()


class Options(Struct, frozen=True):
    """How a meeting wants its summaries (``ai_config.summarization``, contract 2.5)."""

    word_limit: int = DEFAULT_WORD_LIMIT
    text_format: str = DEFAULT_FORMAT
    summary_type: str = DEFAULT_TYPE


class Summaries:
    """Takes orders, and gives out links."""

    def __init__(self, records: Records, artifacts: Artifacts, clock: Clock) -> None:
        self._records = records
        self._artifacts = artifacts
        self._clock = clock

    async def order(self, app_id: str, session_id: str) -> SummaryJob:
        """The job that is under way, or a new one. Raises NotFound, or Invalid without words."""
        job = self._new_job(app_id, session_id)

        def place(tx: Transaction) -> SummaryJob:
            if tx.sessions.session(app_id, session_id) is None:
                raise NotFound(NO_SUCH_SESSION)
            running = tx.artifacts.summary_job(session_id)
            if running is not None and running.status in (QUEUED, IN_PROGRESS):
                return running
            if not tx.words.segments(session_id, START, 1):
                raise Invalid(NO_WORDS + NONE_AT_ALL[TRANSCRIPT])
            tx.artifacts.put_summary_job(job)
            return job

        return await self._records.write(place)

    async def order_at_end(self, session_id: str) -> SummaryJob | None:
        """What ``summarize_on_end`` asks for: a first summary, if there are words."""

        def place(tx: Transaction) -> SummaryJob | None:
            session = tx.sessions.session_by_id(session_id)
            meeting = None if session is None else meeting_of(tx, session)
            if session is None or meeting is None or not meeting.summarize_on_end:
                return None
            if tx.artifacts.summary_job(session_id) is not None:
                return None
            if not tx.words.segments(session_id, START, 1):
                return None
            job = self._new_job(session.app_id, session_id)
            tx.artifacts.put_summary_job(job)
            return job

        return await self._records.write(place)

    def _new_job(self, app_id: str, session_id: str) -> SummaryJob:
        now = self._clock.now()
        return SummaryJob(
            id=self._clock.new_id(),
            session_id=session_id,
            app_id=app_id,
            requested_at=now,
            updated_at=now,
        )

    async def link(self, app_id: str, session_id: str) -> Link:
        """Where the summary is. Raises NotFound, with the reason."""
        session, job, made = await self._records.read(
            lambda tx: (
                tx.sessions.session(app_id, session_id),
                tx.artifacts.summary_job(session_id),
                [one for one in tx.artifacts.artifacts(session_id) if one.kind == SUMMARY],
            )
        )
        if session is None:
            raise NotFound(NO_SUCH_SESSION)
        if job is None:
            raise NotFound(NEVER_ASKED)
        if job.status == FAILED:
            raise NotFound(f"The summary of this session failed: {job.reason}")
        if job.status != COMPLETED:
            raise NotFound(WAITING if job.status == QUEUED else GOING_ON)
        if not made:
            raise NotFound(DROPPED)
        latest = max(made, key=lambda one: one.made_at)
        return await self._artifacts.link(session, SUMMARY, latest.format)

    async def open_jobs(self) -> list[SummaryJob]:
        """Jobs to be worked on. One that was lost is FAILED, so that it can be asked for again."""
        now = self._clock.now()
        jobs = await self._records.read(lambda tx: tx.artifacts.open_summary_jobs(OPEN_AT_ONCE))
        for job in jobs:
            if job.status == IN_PROGRESS and job.updated_at + LOST_MS < now:
                reason = "It was interrupted for good; ask for it again."
                await change_job(self._records, job.id, now, FAILED, reason)
        return [job for job in jobs if job.status == QUEUED]


async def change_job(
    records: Records, job_id: str, now: int, status: str, reason: str | None = None, model: str = ""
) -> None:
    """Say how a job stands; one that was replaced or erased stays gone."""

    def change(tx: Transaction) -> None:
        job = tx.artifacts.summary_job_by_id(job_id)
        if job is not None:
            tx.artifacts.put_summary_job(
                replace(job, status=status, reason=reason, model=model, updated_at=now)
            )

    await records.write(change)
    if status == FAILED:
        log.warning("summary failed", job_id=job_id, reason=reason)


def options_of(meeting: Meeting | None) -> Options:
    """How a meeting wants its summaries; the defaults where it does not say."""
    config = (meeting.ai_config if meeting is not None else None) or {}
    given = config.get("summarization") or {}
    try:
        return convert({k: v for k, v in given.items() if v is not None}, Options)
    except (ValidationError, AttributeError):
        return Options()


def meeting_of(tx: Transaction, session: Session) -> Meeting | None:
    """The meeting that a session is held in."""
    return tx.rooms.meeting(session.app_id, session.meeting_id)
