"""Summarising: how a summary is made, in steps that the durable queue keeps.

Offline and in the transcript's own words, unless there is a writer (a language model), which is
asked in rounds. Between two steps all that is needed to go on is text: a kill in the middle costs
at most the answer that was on its way.
"""

import asyncio

import msgspec
import structlog
from msgspec import Struct

from roomtone.model.artifacts import COMPLETED, FAILED, IN_PROGRESS, SUMMARY, SummaryJob
from roomtone.model.rooms import Meeting
from roomtone.model.sessions import Session
from roomtone.model.words import Segment
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.writer import Writer, WriterFailed
from roomtone.services.artifacts import Announcer, Artifacts
from roomtone.services.paging import Pages, segment_pages
from roomtone.services.speakers import Speakers
from roomtone.services.summaries import Options, change_job, meeting_of, options_of
from roomtone.summaries import Summary, summarise
from roomtone.summaries.chunks import Round, Unsummarisable, first, follow

log = structlog.get_logger()


class _Case(Struct, frozen=True):
    """What a summary is made of."""

    job: SummaryJob
    session: Session
    options: Options
    segments: Pages[Segment]


class Summariser:
    """Carries orders out."""

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

    async def begin(self, job_id: str) -> str | None:
        """The first round of prompts, as JSON; None: there is nothing more to do."""
        case = await self._case(job_id)
        if case is None:
            return None
        await self._say(job_id, IN_PROGRESS)
        if self._writer is None:
            summary = await asyncio.to_thread(_offline, case)
            await self._finish(case, summary)
            return None
        asked = await asyncio.to_thread(_first, case, self._context_tokens)
        return msgspec.json.encode(asked).decode()

    async def ask(self, job_id: str, asked: str, number: int) -> str | None:
        """The writer's answer to one prompt of a round; None: it failed, and so did the job."""
        prompt = msgspec.json.decode(asked, type=Round).prompts[number]
        await self._say(job_id, IN_PROGRESS)
        if self._writer is None:
            await self._say(job_id, FAILED, "The writer was taken out of the settings meanwhile.")
            return None
        try:
            return await self._writer.write(prompt)
        except WriterFailed as failed:
            await self._say(job_id, FAILED, failed.reason)
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
            await self._say(job_id, FAILED, str(failed))
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
            return job, session, meeting_of(tx, session), speakers

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
        await self._say(case.job.id, COMPLETED, None, summary.model)
        log.info("summary made", session_id=case.session.id, model=summary.model, cut=summary.cut)

    async def _say(
        self, job_id: str, status: str, reason: str | None = None, model: str = ""
    ) -> None:
        await change_job(self._records, job_id, self._clock.now(), status, reason, model)


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
