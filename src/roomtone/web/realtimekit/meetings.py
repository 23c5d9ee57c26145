"""``/meetings`` (contract 5)."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.model.rooms import MAX_KEEP_ALIVE_S, MIN_KEEP_ALIVE_S, Meeting
from roomtone.model.times import iso
from roomtone.ports.records import MeetingFilter
from roomtone.web.query import text
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import (
    MEETING_END,
    MEETING_SEARCH,
    MEETING_START,
    MEETING_STATUS,
    NEIGHBOURS_PER_PAGE,
    PAGE_NO,
    page_of,
)
from roomtone.web.realtimekit.session_answers import Paging, paging

Title = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
KeepAlive = Annotated[int, Meta(ge=MIN_KEEP_ALIVE_S, le=MAX_KEEP_ALIVE_S)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
"""``en-US`` of the API as well as Whisper's ``en``: the vendor's pages disagree (contract 8)."""
Keyword = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]


class TranscriptionGiven(Struct):
    language: Language | UnsetType = UNSET
    keywords: list[Keyword] | UnsetType = UNSET
    profanity_filter: bool | UnsetType = UNSET


class SummarizationGiven(Struct):
    """Contract 2.5."""

    word_limit: Annotated[int, Meta(ge=150, le=1000)] | UnsetType = UNSET
    text_format: Literal["plain_text", "markdown"] | UnsetType = UNSET
    summary_type: (
        Literal[
            "general",
            "team_meeting",
            "sales_call",
            "client_check_in",
            "interview",
            "daily_standup",
            "one_on_one_meeting",
            "lecture",
            "code_review",
        ]
        | UnsetType
    ) = UNSET


class AiConfigGiven(Struct):
    transcription: TranscriptionGiven | UnsetType = UNSET
    summarization: SummarizationGiven | UnsetType = UNSET


class MeetingReplaced(Struct):
    """Body of PUT: what is not given, or null, gets its default."""

    title: Title | UnsetType | None = UNSET
    record_on_start: bool | UnsetType | None = UNSET
    live_stream_on_start: bool | UnsetType | None = UNSET
    persist_chat: bool | UnsetType | None = UNSET
    transcribe_on_end: bool | UnsetType | None = UNSET
    summarize_on_end: bool | UnsetType | None = UNSET
    session_keep_alive_time_in_secs: KeepAlive | UnsetType | None = UNSET
    ai_config: AiConfigGiven | UnsetType | None = UNSET
    recording_config: dict[str, Any] | UnsetType | None = UNSET
    parent_meeting_id: Annotated[str, Meta(max_length=MAX_ID_CHARS)] | UnsetType | None = UNSET
    """Roomtone's own: this room is a breakout room of that meeting."""


class MeetingGiven(MeetingReplaced):
    """Body of POST; ``type`` is Roomtone's own."""

    type: Literal["meeting", "livestream"] | UnsetType = UNSET


class MeetingChanged(MeetingReplaced):
    """Body of PATCH: what is not given stays; null gives the default back."""

    status: Literal["ACTIVE", "INACTIVE"] | UnsetType = UNSET


class MeetingObject(Struct, frozen=True, kw_only=True):
    id: str
    title: str
    status: str
    type: str
    record_on_start: bool
    live_stream_on_start: bool
    persist_chat: bool
    transcribe_on_end: bool
    summarize_on_end: bool
    session_keep_alive_time_in_secs: int
    parent_meeting_id: str | None
    ai_config: dict[str, Any] | UnsetType = UNSET
    recording_config: dict[str, Any] | UnsetType = UNSET
    created_at: str
    updated_at: str


class MeetingAnswer(Struct, frozen=True):
    success: bool
    data: MeetingObject


class MeetingsAnswer(Struct, frozen=True):
    success: bool
    data: tuple[MeetingObject, ...]
    paging: Paging


_DEFAULTS = dict(
    zip(
        Meeting.__struct_fields__[-len(Meeting.__struct_defaults__) :],
        Meeting.__struct_defaults__,
        strict=True,
    )
)
_SECRETS = ("access_key", "secret", "password", "private_key")


def fields_of(given: dict[str, Any]) -> dict[str, Any]:
    """What a body gives of a :class:`Meeting`: null is the default, secrets are left out.

    Roomtone records nothing, so it has no use for the keys of a bucket, and keeps none.
    """
    fields = {name: _DEFAULTS[name] if value is None else value for name, value in given.items()}
    recording = fields.get("recording_config")
    if recording and isinstance(recording.get("storage_config"), dict):
        storage = recording["storage_config"]
        kept = {name: value for name, value in storage.items() if name not in _SECRETS}
        fields["recording_config"] = {**recording, "storage_config": kept}
    return fields


def meeting_object(meeting: Meeting) -> MeetingObject:
    """A meeting as it goes out."""
    return MeetingObject(
        id=meeting.id,
        title=meeting.title,
        status=meeting.status,
        type=meeting.type,
        record_on_start=meeting.record_on_start,
        live_stream_on_start=meeting.live_stream_on_start,
        persist_chat=meeting.persist_chat,
        transcribe_on_end=meeting.transcribe_on_end,
        summarize_on_end=meeting.summarize_on_end,
        session_keep_alive_time_in_secs=meeting.session_keep_alive_time_in_secs,
        parent_meeting_id=meeting.parent_meeting_id,
        ai_config=UNSET if meeting.ai_config is None else meeting.ai_config,
        recording_config=UNSET if meeting.recording_config is None else meeting.recording_config,
        created_at=iso(meeting.created_at),
        updated_at=iso(meeting.updated_at),
    )


async def list_meetings(call: Call) -> Answer:
    """Meetings of the app, newest first."""
    query = call.query
    asked = MeetingFilter(
        app_id=call.app_id,
        search=query[MEETING_SEARCH],
        created_from=query[MEETING_START],
        created_to=query[MEETING_END],
        status=query[MEETING_STATUS],
    )
    page = page_of(query, NEIGHBOURS_PER_PAGE)
    found, total = await call.facade.rooms.list_meetings(asked, page)
    rows = tuple(meeting_object(meeting) for meeting in found)
    return ok(MeetingsAnswer(True, rows, paging(page, len(rows), total)))


async def create_meeting(call: Call) -> Answer:
    """A new meeting."""
    given = fields_of(await call.given(MeetingGiven))
    meeting = await call.facade.rooms.create_meeting(call.app_id, given)
    return ok(MeetingAnswer(True, meeting_object(meeting)), 201)


async def get_meeting(call: Call) -> Answer:
    """One meeting."""
    meeting = await call.facade.rooms.meeting(call.app_id, call.path["meeting_id"])
    return ok(MeetingAnswer(True, meeting_object(meeting)))


async def patch_meeting(call: Call) -> Answer:
    """Change what is given."""
    return await _change(call, await call.given(MeetingChanged), whole=False)


async def put_meeting(call: Call) -> Answer:
    """Replace everything but the status."""
    return await _change(call, await call.given(MeetingReplaced), whole=True)


async def _change(call: Call, given: dict[str, Any], *, whole: bool) -> Answer:
    meeting = await call.facade.rooms.change_meeting(
        call.app_id, call.path["meeting_id"], fields_of(given), whole=whole
    )
    return ok(MeetingAnswer(True, meeting_object(meeting)))


NAME = text("name", "Accepted as the vendor's SDK sends it; changes nothing.")

MEETINGS = Resource(
    "/meetings",
    {
        "GET": Operation(
            handler=list_meetings,
            name="getMeetings",
            summary="List the meetings of an app",
            answer=MeetingsAnswer,
            parameters=(
                PAGE_NO,
                NEIGHBOURS_PER_PAGE,
                MEETING_SEARCH,
                MEETING_START,
                MEETING_END,
                MEETING_STATUS,
            ),
        ),
        "POST": Operation(
            handler=create_meeting,
            name="createMeeting",
            summary="Make a meeting",
            answer=MeetingAnswer,
            status=201,
            body=MeetingGiven,
        ),
    },
    "Meetings",
)

MEETING = Resource(
    "/meetings/{meeting_id}",
    {
        "GET": Operation(
            handler=get_meeting,
            name="getMeetingById",
            summary="Get a meeting",
            answer=MeetingAnswer,
            parameters=(NAME,),
        ),
        "PATCH": Operation(
            handler=patch_meeting,
            name="updateMeetingById",
            summary="Change a meeting",
            answer=MeetingAnswer,
            body=MeetingChanged,
        ),
        "PUT": Operation(
            handler=put_meeting,
            name="replaceMeetingById",
            summary="Replace a meeting",
            answer=MeetingAnswer,
            body=MeetingReplaced,
        ),
    },
    "Meetings",
)
