"""``/call/{meeting_id}``: the page, and the few questions it asks over HTTP.

``about`` says what an invitation opens, ``join`` gives a participant token for it, ``record`` says
which session a connection became part of.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from roomtone.model.errors import BadRequest, Refused, TooMany, Unauthenticated
from roomtone.model.limits import MAX_CALL_PEERS
from roomtone.model.tenancy import ApiToken
from roomtone.model.times import iso
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records
from roomtone.services.invitations import Invitations
from roomtone.services.rate import RateLimit
from roomtone.services.rooms import Rooms
from roomtone.web.addresses import client_address
from roomtone.web.assets import page, text
from roomtone.web.bodies import read_body
from roomtone.web.call.hub import Hub
from roomtone.web.call.ice_servers import IceServer
from roomtone.web.call.socket import Sockets
from roomtone.web.errors import JSON
from roomtone.web.realtimekit.given import read_given

MAX_JOIN_BYTES = 8 * 1024
JOINS = 300
"""Questions from one address in five minutes: an office behind one address, but no machine."""

PAGE_HEADERS = {
    # The address holds the invitation: no other page is told it.
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(self), display-capture=(self), "
    "autoplay=(self), geolocation=(), payment=()",
}


Visitor = Callable[[Mapping[bytes, bytes]], ApiToken | None]
"""Request headers → the API token whose holder is signed in to the console, if anybody is."""


class JoinGiven(Struct):
    """Body of ``join``. ``key``: the browser's own secret."""

    invite: Annotated[str, Meta(max_length=1_024)]
    name: str
    key: str


class About(Struct, frozen=True):
    title: str
    people: int
    full: bool
    most: int
    expires_at: str


class Joined(Struct, frozen=True):
    token: str
    user_id: str
    custom_participant_id: str
    name: str
    title: str
    ice_servers: list[IceServer]


class RecordOf(Struct, frozen=True):
    """``session_id``: None until there is one. ``console``: where it is shown; only for who is
    signed in there."""

    session_id: str | None
    console: str | None


class CallPages:
    """Everything below ``/call``."""

    def __init__(
        self,
        invitations: Invitations,
        rooms: Rooms,
        records: Records,
        clock: Clock,
        hub: Hub,
        sockets: Sockets,
        ice_servers: list[IceServer],
        trusted: frozenset[str],
        visitor: Visitor,
    ) -> None:
        self._invitations = invitations
        self._rooms = rooms
        self._records = records
        self._clock = clock
        self._hub = hub
        self._sockets = sockets
        self._ice_servers = ice_servers
        self._trusted = trusted
        self._visitor = visitor
        self._rate = RateLimit(JOINS)

    def routes(self) -> list[BaseRoute]:
        """Where it all stands."""
        path = "/call/{meeting_id}"
        return [
            Route("/call", self.page, methods=["GET"]),
            Route(path, self.page, methods=["GET"]),
            Route(f"{path}/about", self.about, methods=["GET"]),
            Route(f"{path}/join", self.join, methods=["POST"]),
            Route(f"{path}/record", self.record, methods=["GET"]),
            WebSocketRoute(f"{path}/signal", self._sockets.signal),
        ]

    async def page(self, _: Request) -> Response:
        """The same page for every call: its script reads the address."""
        return page(text("call/index.html"), headers=PAGE_HEADERS)

    async def about(self, request: Request) -> Response:
        """What an invitation opens."""
        self._count(request)
        invitation = self._invitations.open(
            request.path_params["meeting_id"], request.query_params.get("invite", "")
        )
        meeting = await self._invitations.meeting(invitation)
        room = (meeting.app_id, meeting.id)
        about = About(
            title=meeting.title,
            people=self._hub.count(room),
            full=self._hub.is_full(room),
            most=MAX_CALL_PEERS,
            expires_at=iso(invitation.expires_at),
        )
        return _answer(about)

    async def join(self, request: Request) -> Response:
        """A participant token for an invitation."""
        self._count(request)
        given = read_given(await read_body(request, MAX_JOIN_BYTES), JoinGiven)
        invitation = self._invitations.open(
            request.path_params["meeting_id"], given.get("invite", "")
        )
        guest = await self._invitations.enter(
            invitation, given.get("name", ""), given.get("key", "")
        )
        person = guest.participant
        joined = Joined(
            token=guest.token,
            user_id=person.id,
            custom_participant_id=person.custom_participant_id,
            name=person.name or "",
            title=guest.meeting.title,
            ice_servers=self._ice_servers,
        )
        return _answer(joined)

    async def record(self, request: Request) -> Response:
        """Which session a connection of the asking participant became part of."""
        self._count(request)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise Unauthenticated("Send the participant's token: Authorization: Bearer …")
        claims = self._rooms.verify(token.strip())
        peer_id = request.query_params.get("peer_id", "")
        if claims.meeting_id != request.path_params["meeting_id"] or not peer_id:
            raise BadRequest("Name a peer_id of this meeting.")
        peer = await self._records.read(lambda tx: tx.sessions.peer(claims.app_id, peer_id))
        if peer is None or peer.user_id != claims.participant_id:
            return _answer(RecordOf(None, None))
        address = f"/console#/sessions/{peer.session_id}?app={claims.app_id}"
        shown = address if self._is_signed_in(request) else None
        return _answer(RecordOf(peer.session_id, shown))

    def _is_signed_in(self, request: Request) -> bool:
        try:
            return self._visitor(dict(request.scope["headers"])) is not None
        except Refused:
            return False

    def _count(self, request: Request) -> None:
        address = client_address(request, self._trusted) or ""
        if not self._rate.allow(address, self._clock.now()):
            raise TooMany("Too many requests from this address.", self._rate.retry_after_s)


def _answer(content: Struct) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(content), headers=headers, media_type=JSON)
