"""Chat, transcript and summary of a session (contract 1.5 to 1.8), and the doors that fill them.

Each GET gives a link that expires; there is never an empty file (contract 8). The two POSTs that
take words in are Roomtone's own (README.md).
"""

import asyncio
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from roomtone.formats.chat_csv import read_chat_csv
from roomtone.formats.messages import ReadMessages, read_messages
from roomtone.formats.reading import CSV, SRT, VTT, read_transcript
from roomtone.model.artifacts import COMPLETED, FAILED, IN_PROGRESS, QUEUED
from roomtone.model.errors import Fault, Invalid
from roomtone.model.limits import MAX_WORDS_FILE_BYTES
from roomtone.model.times import iso
from roomtone.services.words import Taken
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import FORMAT, UPLOAD_FORMAT

MESSAGES = {
    QUEUED: "The summary is queued.",
    IN_PROGRESS: "The summary is being made.",
    COMPLETED: "The summary is made.",
    FAILED: "The summary failed.",
}
UPLOADS = {
    "text/csv": CSV,
    "application/csv": CSV,
    "application/x-subrip": SRT,
    "text/srt": SRT,
    "text/vtt": VTT,
}
"""Content types that say their format; for JSON and plain text the content itself does."""
TOLD_BY_CONTENT = frozenset(
    {"", "application/json", "text/json", "text/plain", "application/octet-stream"}
)


class ChatData(Struct, frozen=True):
    chat_download_url: str
    chat_download_url_expiry: str


class ChatAnswer(Struct, frozen=True):
    success: bool
    data: ChatData


class TranscriptData(Struct, frozen=True):
    sessionId: str  # noqa: N815 - the vendor's spelling
    transcript_download_url: str
    transcript_download_url_expiry: str


class TranscriptAnswer(Struct, frozen=True):
    success: bool
    data: TranscriptData


class SummaryData(Struct, frozen=True):
    sessionId: str  # noqa: N815
    summaryDownloadUrl: str  # noqa: N815
    summaryDownloadUrlExpiry: str  # noqa: N815


class SummaryAnswer(Struct, frozen=True):
    success: bool
    data: SummaryData


class SummaryOrderData(Struct, frozen=True):
    success: bool
    message: str
    session_id: str
    status: str


class SummaryOrderAnswer(Struct, frozen=True):
    success: bool
    data: SummaryOrderData


class MessagesGiven(Struct):
    """Body of POST chat: message objects as the vendor's client has them (contract 2.3)."""

    messages: list[dict[str, Any]]


class PeerDataGiven(Struct):
    id: str | None = None
    userId: str | None = None  # noqa: N815
    displayName: str | None = None  # noqa: N815
    cpi: str | None = None


class SegmentGiven(Struct):
    """An item of the vendor's transcript JSON (contract 2.4), with an ``id`` if it has one."""

    startTime: float  # noqa: N815
    sentence: str
    endTime: float | None = None  # noqa: N815
    peerData: PeerDataGiven | None = None  # noqa: N815
    id: str | UnsetType = UNSET


class SegmentsGiven(Struct):
    """Body of POST transcript."""

    segments: list[SegmentGiven]


class TakenData(Struct, frozen=True):
    """What came of words: how many were new, changed, or known as they are; what was cleaned."""

    session_id: str
    new: int
    changed: int
    known: int
    notes: tuple[str, ...]


class TakenAnswer(Struct, frozen=True):
    success: bool
    data: TakenData


async def get_chat(call: Call) -> Answer:
    """A link to the chat as CSV; 404 with the reason where there is none."""
    link = await call.facade.artifacts.chat(call.app_id, call.path["session_id"])
    return ok(ChatAnswer(True, ChatData(link.url, iso(link.expires_at))))


async def get_transcript(call: Call) -> Answer:
    """A link to the transcript; 404 with the reason where there is none."""
    session_id = call.path["session_id"]
    link = await call.facade.artifacts.transcript(call.app_id, session_id, call.query[FORMAT])
    return ok(TranscriptAnswer(True, TranscriptData(session_id, link.url, iso(link.expires_at))))


async def get_summary(call: Call) -> Answer:
    """A link to the summary; 404 with the reason: never asked for, in progress, failed."""
    session_id = call.path["session_id"]
    link = await call.facade.summaries.link(call.app_id, session_id)
    return ok(SummaryAnswer(True, SummaryData(session_id, link.url, iso(link.expires_at))))


async def order_summary(call: Call) -> Answer:
    """Starts a summary, or tells of the one that is being made; 422 without a transcript."""
    job = await call.facade.summaries.order(call.app_id, call.path["session_id"])
    data = SummaryOrderData(True, MESSAGES[job.status], job.session_id, job.status)
    return ok(SummaryOrderAnswer(True, data))


async def add_chat(call: Call) -> Answer:
    """Roomtone's own: messages as they stand, from the app's server. JSON, or a chat CSV.

    Idempotent by message id; a message without one is known by content and time.
    """
    session = call.facade.sessions.get(call.app_id, call.path["session_id"])
    kind = _content_type(call)
    body = await call.upload(MAX_WORDS_FILE_BYTES)
    read = await asyncio.to_thread(_read_chat, kind, body)
    return _taken(session.id, await call.facade.words.put_messages(session, read))


async def add_transcript(call: Call) -> Answer:
    """Roomtone's own: segments from the app's server. JSON, or a file: SRT, VTT, CSV, Jigasi.

    Idempotent by segment id; a segment without one is known by content and time. ``format`` names
    the format where the content type does not.
    """
    session = call.facade.sessions.get(call.app_id, call.path["session_id"])
    form = call.query[UPLOAD_FORMAT] or _format_of(_content_type(call))
    body = await call.upload(MAX_WORDS_FILE_BYTES)
    read = await asyncio.to_thread(read_transcript, body, form, session.started_at)
    return _taken(session.id, await call.facade.words.put_segments(session, read))


def _content_type(call: Call) -> str:
    given = call.headers.get(b"content-type", b"").decode("latin-1")
    return given.partition(";")[0].strip().lower()


def _read_chat(kind: str, body: bytes) -> ReadMessages:
    if UPLOADS.get(kind) == CSV:
        return read_chat_csv(body)
    if kind in TOLD_BY_CONTENT:
        return read_messages(body)
    raise _unknown(kind, "application/json or text/csv")


def _format_of(kind: str) -> str | None:
    """The format that a content type names; None: the content tells."""
    if kind in UPLOADS:
        return UPLOADS[kind]
    if kind in TOLD_BY_CONTENT:
        return None
    raise _unknown(kind, ", ".join(("application/json", *UPLOADS)))


def _unknown(kind: str, known: str) -> Invalid:
    why = f"{kind[:80]!r} is not known here; send {known}"
    return Invalid("The body cannot be read.", (Fault("content-type", why),))


def _taken(session_id: str, taken: Taken) -> Answer:
    data = TakenData(session_id, taken.new, taken.changed, taken.known, taken.notes)
    return ok(TakenAnswer(True, data))


CHAT = Resource(
    "/sessions/{session_id}/chat",
    {
        "GET": Operation(
            handler=get_chat,
            name="getSessionChat",
            summary="Get where the chat can be downloaded",
            answer=ChatAnswer,
        ),
        "POST": Operation(
            handler=add_chat,
            name="addSessionChat",
            summary="Add messages to the chat",
            answer=TakenAnswer,
            body=MessagesGiven,
            uploads=("text/csv",),
        ),
    },
    "Sessions",
)

TRANSCRIPT = Resource(
    "/sessions/{session_id}/transcript",
    {
        "GET": Operation(
            handler=get_transcript,
            name="getSessionTranscripts",
            summary="Get where the transcript can be downloaded",
            answer=TranscriptAnswer,
            parameters=(FORMAT,),
        ),
        "POST": Operation(
            handler=add_transcript,
            name="addSessionTranscript",
            summary="Add segments to the transcript",
            answer=TakenAnswer,
            parameters=(UPLOAD_FORMAT,),
            body=SegmentsGiven,
            uploads=("text/csv", "application/x-subrip", "text/vtt"),
        ),
    },
    "Sessions",
)

SUMMARY = Resource(
    "/sessions/{session_id}/summary",
    {
        "GET": Operation(
            handler=get_summary,
            name="getSessionSummary",
            summary="Get where the summary can be downloaded",
            answer=SummaryAnswer,
        ),
        "POST": Operation(
            handler=order_summary,
            name="generateSummaryOfTranscripts",
            summary="Make a summary of the transcript",
            answer=SummaryOrderAnswer,
        ),
    },
    "Sessions",
)
