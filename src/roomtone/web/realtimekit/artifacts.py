"""Chat, transcript and summary of a session (contract 1.5 to 1.8).

This version keeps no chat and no words, and says so: never an empty file (contract 8).
"""

from msgspec import Struct

from roomtone.model.errors import Invalid, NotFound
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource
from roomtone.web.realtimekit.parameters import FORMAT

NO_CHAT = "No chat was kept for this session."
NO_TRANSCRIPT = "No transcript was kept for this session."
NO_SUMMARY = "No summary was made for this session: there is no transcript to make it of."


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


def _known(call: Call) -> None:
    call.facade.sessions.get(call.app_id, call.path["session_id"])


async def get_chat(call: Call) -> Answer:
    """404, with the reason."""
    _known(call)
    raise NotFound(NO_CHAT)


async def get_transcript(call: Call) -> Answer:
    """404, with the reason."""
    _known(call)
    raise NotFound(NO_TRANSCRIPT)


async def get_summary(call: Call) -> Answer:
    """404, with the reason."""
    _known(call)
    raise NotFound(NO_SUMMARY)


async def order_summary(call: Call) -> Answer:
    """422: a summary is made of a transcript."""
    _known(call)
    raise Invalid(NO_TRANSCRIPT)


CHAT = Resource(
    "/sessions/{session_id}/chat",
    {
        "GET": Operation(
            handler=get_chat,
            name="getSessionChat",
            summary="Get where the chat can be downloaded",
            answer=ChatAnswer,
        )
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
        )
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
