"""Summaries: made of the transcript when somebody asks, or at a session's end.

Offline and in the transcript's own words, unless there is a writer (a language model), which is
asked in rounds. Between two steps all that is needed to go on is text, which the durable queue
keeps: a kill in the middle costs at most the answer that was on its way.
"""

import asyncio

import msgspec
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
from roomtone.model.words import Segment
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START
from roomtone.ports.writer import Writer, WriterFailed
from roomtone.services.artifacts import NONE_AT_ALL, Announcer, Artifacts, Link
from roomtone.services.paging import Pages, segment_pages
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.speakers import Speakers
from roomtone.summaries import Summary, summarise
from roomtone.summaries.chunks import Round, Unsummarisable, first, follow
from roomtone.summaries.summary import DEFAULT_WORD_LIMIT, MARKDOWN

DEFAULT_TYPE = "general"
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
    text_format: str = MARKDOWN
    summary_type: str = DEFAULT_TYPE


class _Case(Struct, frozen=True):
    """What a summary is made of."""

    job: SummaryJob
    session: Session
    options: Options
    segments: Pages[Segment]


class Summaries:
    """Takes orders, and carries them out step by step."""

    def __init__(
        self,
        records: Records,
        artifacts: Artifacts,
        clock: Clock,
        announcer: Announcer,
        writer: Writer | None = None,
        context_tokens: int = 0,
    ) -> None:
        self._records = records
        self._artifacts = artifacts
        self._clock = clock
        self._announcer = announcer
        self._writer = writer
        self._context_tokens = context_tokens

    # --- asked for ------------------------------------------------------------------------------

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
            meeting = None if session is None else _meeting(tx, session)
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
                await self._end(job.id, FAILED, "It was interrupted for good; ask for it again.")
        return [job for job in jobs if job.status == QUEUED]

    # --- made, step by step ---------------------------------------------------------------------

    async def begin(self, job_id: str) -> str | None:
        """The first round of prompts, as JSON; None: there is nothing more to do."""
        case = await self._case(job_id)
        if case is None:
            return None
        await self._touch(job_id, IN_PROGRESS)
        if self._writer is None:
            summary = await asyncio.to_thread(_offline, case)
            await self._finish(case, summary)
            return None
        asked = await asyncio.to_thread(_first, case, self._context_tokens)
        return msgspec.json.encode(asked).decode()

    async def ask(self, job_id: str, asked: str, number: int) -> str | None:
        """The writer's answer to one prompt of a round; None: it failed, and so did the job."""
        prompt = msgspec.json.decode(asked, type=Round).prompts[number]
        await self._touch(job_id, IN_PROGRESS)
        if self._writer is None:
            await self._end(job_id, FAILED, "The writer was taken out of the settings meanwhile.")
            return None
        try:
            return await self._writer.write(prompt)
        except WriterFailed as failed:
            await self._end(job_id, FAILED, failed.reason)
            return None

    async def follow(self, job_id: str, asked: str, answers: list[str]) -> str | None:
        """The next round, as JSON; None: there is nothing more to do."""
        case = await self._case(job_id)
        if case is None:
            return None
        model = "" if self._writer is None else self._writer.model
        try:
            came = await asyncio.to_thread(
                follow, msgspec.json.decode(asked, type=Round), answers, model
            )
        except Unsummarisable as failed:
            await self._end(job_id, FAILED, str(failed))
            return None
        if isinstance(came, Round):
            return msgspec.json.encode(came).decode()
        await self._finish(case, came)
        return None

    async def _case(self, job_id: str) -> _Case | None:
        """None for a job that was replaced, finished or erased meanwhile."""

        def ask(tx: Transaction) -> tuple[SummaryJob, Session, Meeting | None, Speakers] | None:
            job = tx.artifacts.summary_job_by_id(job_id)
            session = None if job is None else tx.sessions.session_by_id(job.session_id)
            if job is None or session is None or job.status in (COMPLETED, FAILED):
                return None
            speakers = Speakers(tx.sessions.peers(session.id))
            return job, session, _meeting(tx, session), speakers

        found = await self._records.read(ask)
        if found is None:
            return None
        job, session, meeting, speakers = found
        pages = segment_pages(self._records, session.id, speakers)
        return _Case(job, session, options_of(meeting), pages)

    async def _finish(self, case: _Case, summary: Summary) -> None:
        """Store the file, tell of it, and only then call the job done."""
        form = case.options.text_format
        artifact = await self._artifacts.put_summary(case.session, form, summary.text)

        def note(tx: Transaction) -> None:
            tx.artifacts.drop_artifacts(case.session.id, SUMMARY)
            tx.artifacts.put_artifact(artifact)

        await self._records.write(note)
        link = await self._artifacts.link(case.session, SUMMARY, form)
        await self._announcer.summary_ready(case.session, link.url, link.expires_at, case.job.id)
        await self._end(case.job.id, COMPLETED, None, summary.model)
        log.info("summary made", session_id=case.session.id, model=summary.model, cut=summary.cut)

    async def _touch(self, job_id: str, status: str) -> None:
        await self._change(job_id, status, None, "")

    async def _end(self, job_id: str, status: str, reason: str | None, model: str = "") -> None:
        if status == FAILED:
            log.warning("summary failed", job_id=job_id, reason=reason)
        await self._change(job_id, status, reason, model)

    async def _change(self, job_id: str, status: str, reason: str | None, model: str) -> None:
        now = self._clock.now()

        def change(tx: Transaction) -> None:
            job = tx.artifacts.summary_job_by_id(job_id)
            if job is not None:
                tx.artifacts.put_summary_job(
                    replace(job, status=status, reason=reason, model=model, updated_at=now)
                )

        await self._records.write(change)


def options_of(meeting: Meeting | None) -> Options:
    """How a meeting wants its summaries; the defaults where it does not say."""
    config = (meeting.ai_config if meeting is not None else None) or {}
    given = config.get("summarization") or {}
    try:
        return convert({k: v for k, v in given.items() if v is not None}, Options)
    except (ValidationError, AttributeError):
        return Options()


def _meeting(tx: Transaction, session: Session) -> Meeting | None:
    return tx.rooms.meeting(session.app_id, session.meeting_id)


def _offline(case: _Case) -> Summary:
    return summarise(
        case.segments,
        started_at=case.session.started_at,
        title=case.session.title,
        summary_type=case.options.summary_type,
        word_limit=case.options.word_limit,
        text_format=case.options.text_format,
    )


def _first(case: _Case, context_tokens: int) -> Round:
    return first(
        case.segments,
        started_at=case.session.started_at,
        title=case.session.title,
        summary_type=case.options.summary_type,
        word_limit=case.options.word_limit,
        text_format=case.options.text_format,
        context_tokens=context_tokens,
    )
