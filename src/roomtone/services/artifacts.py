"""Artifacts: the files of a session. Chat and transcript as the vendor writes them.

When a session has ended they are written once; words that come late have them written again. While
it is LIVE, or before that is done, whoever asks gets a fresh file of what there is up to now. There
is one place for each file, so a link that was given out early shows the later file too.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.formats.chat_csv import chat_csv
from roomtone.formats.writing import CHAT_KIND, TRANSCRIPT_KINDS, Kind, write_transcript
from roomtone.model.artifacts import CHAT, SUMMARY, TRANSCRIPT, Artifact
from roomtone.model.errors import NotFound
from roomtone.model.sessions import ENDED, Session
from roomtone.model.times import iso
from roomtone.model.words import Spoken
from roomtone.ports.blobs import BlobInfo, Blobs, Download
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START
from roomtone.services.disposition import file_name
from roomtone.services.paging import message_pages, segment_pages
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.speakers import Speakers
from roomtone.services.words import revision_of

CSV = "CSV"
DAY_MS = 24 * 3600 * 1000
REMEMBERED = 1_000
"""Fresh files of which it is known what they were written from."""

NONE_AT_ALL = {
    CHAT: "No chat was kept for this session: no message came in.",
    TRANSCRIPT: "No transcript was kept for this session: no words came in.",
}
NONE_LEFT = {
    CHAT: "There is no chat for this session: every message was deleted.",
    TRANSCRIPT: "There is no transcript for this session any more.",
}
DROPPED = {
    CHAT: "The chat of this session is no longer kept (keep_chat_days).",
    TRANSCRIPT: "The transcript of this session is no longer kept (keep_transcripts_days).",
}

log = structlog.get_logger()


class Link(Struct, frozen=True):
    """Where a file is, and until when (epoch ms)."""

    url: str
    expires_at: int


class Announcer(Protocol):
    """Is told of files that were made. ``made`` names the making: the same is told once."""

    async def chat_synced(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """The chat of an ENDED session is written."""
        ...

    async def transcript_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """The transcript of an ENDED session is written."""
        ...

    async def summary_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """A summary is written."""
        ...


class Silent:
    """An announcer for those who have nobody to tell."""

    async def chat_synced(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """Tells nobody."""
        return 0

    transcript_ready = chat_synced
    summary_ready = chat_synced


class Artifacts:
    """Writes files and gives out links."""

    def __init__(
        self, records: Records, blobs: Blobs, clock: Clock, announcer: Announcer, link_days: int
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._clock = clock
        self._announcer = announcer
        self._link_ms = link_days * DAY_MS
        self._written: dict[str, tuple[int, int]] = {}
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def _lock(self, name: str) -> asyncio.Lock:
        """One for each name, while anybody holds it or waits for it."""
        lock = self._one_at_a_time.get(name)
        if lock is None:
            lock = self._one_at_a_time[name] = asyncio.Lock()
        return lock

    # --- asked for ------------------------------------------------------------------------------

    async def chat(self, app_id: str, session_id: str) -> Link:
        """The chat as CSV. Raises NotFound, with the reason."""
        return await self._file(app_id, session_id, CHAT, CSV)

    async def transcript(self, app_id: str, session_id: str, form: str) -> Link:
        """The transcript in one of TRANSCRIPT_KINDS. Raises NotFound, with the reason."""
        return await self._file(app_id, session_id, TRANSCRIPT, form)

    async def _file(self, app_id: str, session_id: str, kind: str, form: str) -> Link:
        session, spoken, made = await self._records.read(
            lambda tx: (
                tx.sessions.session(app_id, session_id),
                tx.words.spoken(session_id),
                tx.artifacts.artifact(session_id, kind, form),
            )
        )
        if session is None:
            raise NotFound(NO_SUCH_SESSION)
        if made is None or spoken is None or _is_stale(spoken, kind):
            await self._check_there(session, spoken, kind)
            await self._fresh(session, revision_of(spoken, kind), kind, form)
        return await self.link(session, kind, form)

    async def _check_there(self, session: Session, spoken: Spoken | None, kind: str) -> None:
        """Raise NotFound, saying why, where there is nothing to show."""
        if await self._records.read(lambda tx: _has_any(tx, session.id, kind)):
            return
        if spoken is not None and _dropped_at(spoken, kind) is not None:
            raise NotFound(DROPPED[kind])
        raise NotFound((NONE_LEFT if revision_of(spoken, kind) else NONE_AT_ALL)[kind])

    async def _fresh(self, session: Session, revision: int, kind: str, form: str) -> None:
        """Write a file of what there is now, unless that was done since the last change."""
        key = key_of(session, kind, form)
        written_from = (revision, session.updated_at)
        async with self._lock(key):
            # Another process may have erased it meanwhile.
            if self._written.get(key) == written_from and (
                await asyncio.to_thread(self._blobs.info, key) is not None
            ):
                return
            await self._write(session, kind, form)
            self._written[key] = written_from
            while len(self._written) > REMEMBERED:
                del self._written[next(iter(self._written))]

    async def link(self, session: Session, kind: str, form: str) -> Link:
        """A link for a file that was written, from now on."""
        expires_at = self._clock.now() + self._link_ms
        url = await asyncio.to_thread(
            self._blobs.link,
            key_of(session, kind, form),
            download_of(session, kind, form),
            expires_at,
        )
        return Link(url, expires_at)

    # --- written at the end ---------------------------------------------------------------------

    async def publish(self, session_id: str) -> bool:
        """Write the files of an ENDED session that are older than its words, and tell of them."""
        async with self._lock(session_id):
            session, spoken = await self._records.read(
                lambda tx: (tx.sessions.session_by_id(session_id), tx.words.spoken(session_id))
            )
            if session is None or spoken is None or session.status != ENDED:
                return False
            published = False
            for kind, forms in ((CHAT, (CSV,)), (TRANSCRIPT, tuple(TRANSCRIPT_KINDS))):
                if _is_stale(spoken, kind):
                    await self._publish(session, kind, forms, revision_of(spoken, kind))
                    published = True
            return published

    async def _publish(
        self, session: Session, kind: str, forms: Iterable[str], revision: int
    ) -> None:
        there = await self._records.read(lambda tx: _has_any(tx, session.id, kind))
        made: list[Artifact] = []
        for form in forms:
            if there:
                info = await self._write(session, kind, form)
                made.append(_artifact(session, kind, form, info, self._clock.now()))
            else:
                await asyncio.to_thread(self._blobs.delete, key_of(session, kind, form))

        def note(tx: Transaction) -> None:
            tx.artifacts.drop_artifacts(session.id, kind)
            for artifact in made:
                tx.artifacts.put_artifact(artifact)

        await self._records.write(note)
        if there:
            link = await self.link(session, kind, CSV)
            tell = self._announcer.chat_synced if kind == CHAT else self._announcer.transcript_ready
            await tell(session, link.url, link.expires_at, str(revision))
        await self._records.write(lambda tx: _note_made(tx, session.id, kind, revision))
        log.info("words published", session_id=session.id, kind=kind, files=len(made))

    async def _write(self, session: Session, kind: str, form: str) -> BlobInfo:
        """Stream a file from the rows into its place."""
        speakers = Speakers(await self._records.read(lambda tx: tx.sessions.peers(session.id)))
        if kind == CHAT:
            pieces = chat_csv(
                message_pages(self._records, session.id, speakers),
                session_id=session.id,
                meeting_id=session.meeting_id,
            )
        else:
            pieces = write_transcript(
                form,
                segment_pages(self._records, session.id, speakers),
                started_at=session.started_at,
                stays=speakers.stay,
            )
        return await asyncio.to_thread(
            self._blobs.put,
            key_of(session, kind, form),
            pieces,
            download_of(session, kind, form),
        )

    async def put_summary(self, session: Session, form: str, text: str) -> Artifact:
        """Store the text of a summary; replaces an earlier one in this format."""
        info = await asyncio.to_thread(
            self._blobs.put,
            key_of(session, SUMMARY, form),
            [text.encode()],
            download_of(session, SUMMARY, form),
        )
        return _artifact(session, SUMMARY, form, info, self._clock.now())

    async def erase(self, session: Session, kind: str | None = None) -> int:
        """Delete the files of a session, written for good or fresh; how many there were."""
        gone = 0
        for each, form in ALL_FILES:
            if kind in (None, each):
                key = key_of(session, each, form)
                gone += await asyncio.to_thread(self._blobs.delete, key)
                self._written.pop(key, None)
        return gone


SUMMARY_KINDS = {
    "markdown": Kind("md", "text/markdown; charset=utf-8"),
    "plain_text": Kind("txt", "text/plain; charset=utf-8"),
}
ALL_FILES = (
    (CHAT, CSV),
    *((TRANSCRIPT, form) for form in TRANSCRIPT_KINDS),
    *((SUMMARY, form) for form in SUMMARY_KINDS),
)


def _kind_of(kind: str, form: str) -> Kind:
    if kind == CHAT:
        return CHAT_KIND
    return (TRANSCRIPT_KINDS if kind == TRANSCRIPT else SUMMARY_KINDS)[form]


def key_of(session: Session, kind: str, form: str) -> str:
    """Where a file of a session lies among the blobs."""
    return f"{session.app_id}/{session.id}/{kind}.{_kind_of(kind, form).extension}"


def download_of(session: Session, kind: str, form: str) -> Download:
    """How a file of a session is handed out."""
    told = _kind_of(kind, form)
    day = iso(session.started_at)[:10]
    name = file_name(session.title or "session", day, kind, extension=told.extension)
    return Download(name, told.content_type)


def _artifact(session: Session, kind: str, form: str, info: BlobInfo, now: int) -> Artifact:
    return Artifact(
        session_id=session.id,
        app_id=session.app_id,
        kind=kind,
        format=form,
        blob_key=info.key,
        size=info.size,
        made_at=now,
    )


def _is_stale(spoken: Spoken, kind: str) -> bool:
    made = spoken.chat_made if kind == CHAT else spoken.transcript_made
    return made != revision_of(spoken, kind)


def _dropped_at(spoken: Spoken, kind: str) -> int | None:
    return spoken.chat_dropped_at if kind == CHAT else spoken.transcript_dropped_at


def _has_any(tx: Transaction, session_id: str, kind: str) -> bool:
    if kind == CHAT:
        return bool(tx.words.messages(session_id, START, 1))
    return bool(tx.words.segments(session_id, START, 1))


def _note_made(tx: Transaction, session_id: str, kind: str, revision: int) -> None:
    spoken = tx.words.spoken(session_id)
    if spoken is None:
        return
    if kind == CHAT:
        spoken = replace(spoken, chat_made=revision)
    else:
        spoken = replace(spoken, transcript_made=revision)
    due = any(_is_stale(spoken, each) for each in (CHAT, TRANSCRIPT))
    tx.words.put_spoken(replace(spoken, due=due))
