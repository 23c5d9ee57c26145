"""``/meetings/{meeting_id}/active-session``: the session that is LIVE now (contract 5)."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.model.times import iso
from roomtone.services.sessions import no_active_session
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.session_answers import SessionAnswer, session_object

Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]


class KickGiven(Struct):
    """Body of POST kick: at least one id in either list."""

    participant_ids: list[Id] | UnsetType | None = UNSET
    custom_participant_ids: list[Id] | UnsetType | None = UNSET


class KickedObject(Struct, frozen=True, kw_only=True):
    """``id`` is the participant's (the API's ``user_id``)."""

    id: str
    created_at: str
    updated_at: str
    name: str | None
    picture: str | None


class KickData(Struct, frozen=True):
    action: str
    participants: tuple[KickedObject, ...]


class KickAnswer(Struct, frozen=True):
    success: bool
    data: KickData


class KickAllData(Struct, frozen=True):
    action: str
    kicked_participants_count: int


class KickAllAnswer(Struct, frozen=True):
    success: bool
    data: KickAllData


async def get_active(call: Call) -> Answer:
    """The LIVE session."""
    session = await call.facade.sessions.active(call.app_id, call.path["meeting_id"])
    return ok(SessionAnswer(True, session_object(session, call.facade.clock.now())))


async def kick(call: Call) -> Answer:
    """Show some people out."""
    given = await call.given(KickGiven)
    user_ids = given.get("participant_ids") or []
    custom_ids = given.get("custom_participant_ids") or []
    if not user_ids and not custom_ids:
        why = "must name somebody, here or in custom_participant_ids"
        raise Invalid("Nobody is named.", (Fault("/participant_ids", why),))
    meeting_id = call.path["meeting_id"]
    kicked = await call.facade.roster.kick(call.app_id, meeting_id, user_ids, custom_ids)
    if kicked is None:
        raise no_active_session(meeting_id)
    if not kicked:
        raise NotFound(f"No user found with id {', '.join([*user_ids, *custom_ids][:10])}")
    found = await call.facade.rooms.participants_by_id(call.app_id, kicked)
    people = tuple(
        KickedObject(
            id=participant.id,
            created_at=iso(participant.created_at),
            updated_at=iso(participant.updated_at),
            name=participant.name,
            picture=participant.picture,
        )
        for participant in found
    )
    return ok(KickAnswer(True, KickData("kick", people)))


async def kick_all(call: Call) -> Answer:
    """Show everybody out, which ends the session."""
    meeting_id = call.path["meeting_id"]
    count = await call.facade.roster.kick_all(call.app_id, meeting_id)
    if count is None:
        raise no_active_session(meeting_id)
    return ok(KickAllAnswer(True, KickAllData("kick-all", count)))


ACTIVE_SESSION = Resource(
    "/meetings/{meeting_id}/active-session",
    {
        "GET": Operation(
            handler=get_active,
            name="getActiveSession",
            summary="Get the live session of a meeting",
            answer=SessionAnswer,
        )
    },
    "Active session",
)

KICK = Resource(
    "/meetings/{meeting_id}/active-session/kick",
    {
        "POST": Operation(
            handler=kick,
            name="kickParticipants",
            summary="Remove people from the live session",
            answer=KickAnswer,
            body=KickGiven,
        )
    },
    "Active session",
)

KICK_ALL = Resource(
    "/meetings/{meeting_id}/active-session/kick-all",
    {
        "POST": Operation(
            handler=kick_all,
            name="kickAllParticipants",
            summary="Remove everybody and end the live session",
            answer=KickAllAnswer,
        )
    },
    "Active session",
)
