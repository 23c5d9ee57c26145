"""``/meetings/{meeting_id}/participants``: those who may join (contract 5)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.model.rooms import Participant
from roomtone.model.times import iso
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import PAGE_NO, PARTICIPANTS_PER_PAGE, page_of
from roomtone.web.realtimekit.session_answers import Paging, paging

Name = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
PresetName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
CustomId = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
Picture = Annotated[str, Meta(max_length=2_048)]


class InvitedGiven(Struct, kw_only=True):
    """Body of POST."""

    custom_participant_id: CustomId
    preset_name: PresetName
    name: Name | UnsetType | None = UNSET
    picture: Picture | UnsetType | None = UNSET


class InvitedChanged(Struct, kw_only=True):
    """Body of PATCH: what is not given stays; null takes a name or a picture away."""

    name: Name | UnsetType | None = UNSET
    picture: Picture | UnsetType | None = UNSET
    preset_name: PresetName | UnsetType | None = UNSET


class InvitedObject(Struct, frozen=True, kw_only=True):
    """``token`` only where one is issued."""

    id: str
    token: str | UnsetType = UNSET
    custom_participant_id: str
    preset_name: str
    name: str | None
    picture: str | None
    created_at: str
    updated_at: str


class InvitedAnswer(Struct, frozen=True):
    success: bool
    data: InvitedObject


class InvitedListAnswer(Struct, frozen=True):
    success: bool
    data: tuple[InvitedObject, ...]
    paging: Paging


class UninvitedData(Struct, frozen=True):
    """``preset_id`` is empty if the preset is gone."""

    custom_participant_id: str
    preset_id: str
    created_at: str
    updated_at: str


class UninvitedAnswer(Struct, frozen=True):
    success: bool
    data: UninvitedData


class TokenData(Struct, frozen=True):
    token: str


class TokenAnswer(Struct, frozen=True):
    success: bool
    data: TokenData


def invited_object(participant: Participant, token: str | UnsetType = UNSET) -> InvitedObject:
    """A participant's record as it goes out."""
    return InvitedObject(
        id=participant.id,
        token=token,
        custom_participant_id=participant.custom_participant_id,
        preset_name=participant.preset_name,
        name=participant.name,
        picture=participant.picture,
        created_at=iso(participant.created_at),
        updated_at=iso(participant.updated_at),
    )


async def list_invited(call: Call) -> Answer:
    """Those invited to a meeting."""
    page = page_of(call.query, PARTICIPANTS_PER_PAGE)
    found, total = await call.facade.rooms.list_participants(
        call.app_id, call.path["meeting_id"], page
    )
    rows = tuple(invited_object(participant) for participant in found)
    return ok(InvitedListAnswer(True, rows, paging(page, len(rows), total)))


async def invite(call: Call) -> Answer:
    """Invite somebody; the answer brings their token."""
    given = await call.given(InvitedGiven)
    participant, token = await call.facade.rooms.add_participant(
        call.app_id, call.path["meeting_id"], given
    )
    return ok(InvitedAnswer(True, invited_object(participant, token)), 201)


async def get_invited(call: Call) -> Answer:
    """One of them."""
    participant = await call.facade.rooms.participant(call.app_id, *_ids(call))
    return ok(InvitedAnswer(True, invited_object(participant)))


async def change_invited(call: Call) -> Answer:
    """Change what is given; the answer brings a fresh token."""
    given: dict[str, Any] = await call.given(InvitedChanged)
    if given.get("preset_name", "") is None:
        del given["preset_name"]  # nobody is without a preset, so null asks for nothing
    participant, token = await call.facade.rooms.change_participant(call.app_id, *_ids(call), given)
    return ok(InvitedAnswer(True, invited_object(participant, token)))


async def uninvite(call: Call) -> Answer:
    """Close the door to somebody."""
    participant, preset_id = await call.facade.rooms.delete_participant(call.app_id, *_ids(call))
    data = UninvitedData(
        participant.custom_participant_id,
        preset_id,
        iso(participant.created_at),
        iso(participant.updated_at),
    )
    return ok(UninvitedAnswer(True, data))


async def refresh_token(call: Call) -> Answer:
    """A fresh token."""
    token = await call.facade.rooms.refresh_token(call.app_id, *_ids(call))
    return ok(TokenAnswer(True, TokenData(token)))


def _ids(call: Call) -> tuple[str, str]:
    return call.path["meeting_id"], call.path["participant_id"]


INVITED = Resource(
    "/meetings/{meeting_id}/participants",
    {
        "GET": Operation(
            handler=list_invited,
            name="getMeetingParticipants",
            summary="List those invited to a meeting",
            answer=InvitedListAnswer,
            parameters=(PAGE_NO, PARTICIPANTS_PER_PAGE),
        ),
        "POST": Operation(
            handler=invite,
            name="addParticipant",
            summary="Invite a participant",
            answer=InvitedAnswer,
            status=201,
            body=InvitedGiven,
        ),
    },
    "Participants",
)

INVITED_ONE = Resource(
    "/meetings/{meeting_id}/participants/{participant_id}",
    {
        "GET": Operation(
            handler=get_invited,
            name="getMeetingParticipant",
            summary="Get an invited participant",
            answer=InvitedAnswer,
        ),
        "PATCH": Operation(
            handler=change_invited,
            name="editParticipant",
            summary="Change an invited participant",
            answer=InvitedAnswer,
            body=InvitedChanged,
        ),
        "DELETE": Operation(
            handler=uninvite,
            name="deleteMeetingParticipant",
            summary="Take an invitation back",
            answer=UninvitedAnswer,
        ),
    },
    "Participants",
)

TOKEN = Resource(
    "/meetings/{meeting_id}/participants/{participant_id}/token",
    {
        "POST": Operation(
            handler=refresh_token,
            name="refreshParticipantToken",
            summary="Issue a fresh token to a participant",
            answer=TokenAnswer,
        )
    },
    "Participants",
)
