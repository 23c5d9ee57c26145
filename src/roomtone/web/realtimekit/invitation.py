"""``/meetings/{meeting_id}/invitation``: a link to Roomtone's own call page. Not the vendor's."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.limits import MAX_INVITATION_DAYS
from roomtone.model.times import iso
from roomtone.services.invitations import DEFAULT_DAYS
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok


class InvitationGiven(Struct):
    """Body of POST."""

    expires_in_days: Annotated[int, Meta(ge=1, le=MAX_INVITATION_DAYS)] | UnsetType = UNSET


class InvitationData(Struct, frozen=True):
    """Whoever opens ``url`` may join the meeting until ``expires_at``."""

    url: str
    expires_at: str


class InvitationAnswer(Struct, frozen=True):
    success: bool
    data: InvitationData


async def make_invitation(call: Call) -> Answer:
    """A link to the call page of a meeting."""
    given = await call.given(InvitationGiven)
    link = await call.facade.invitations.link(
        call.app_id, call.path["meeting_id"], given.get("expires_in_days", DEFAULT_DAYS)
    )
    return ok(InvitationAnswer(True, InvitationData(link.url, iso(link.expires_at))), 201)


INVITATION = Resource(
    "/meetings/{meeting_id}/invitation",
    {
        "POST": Operation(
            handler=make_invitation,
            name="createInvitation",
            summary="Make a link to the call page of a meeting",
            answer=InvitationAnswer,
            status=201,
            body=InvitationGiven,
        )
    },
    "Meetings",
)
