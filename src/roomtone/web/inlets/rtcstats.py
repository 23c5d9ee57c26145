"""rtcstats' door: WebSocket of protocols 5.0, 4.0 and 2.0, and whole dumps by HTTP.

Who it is comes from a token: ``?rtcstats-token=``, or the first part of the path for the old client
that puts the page's path behind its URL. It is a JWT that the app's server signed with the inlet's
secret (``rtcStats: {user, session, conference}``), a participant token of Roomtone's own, or the
secret itself, with which nobody is known and the page's path names the room.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from time import monotonic

import jwt
import structlog
from msgspec import Struct
from msgspec.structs import replace
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive
from starlette.websockets import WebSocket, WebSocketDisconnect

from roomtone.model.errors import (
    BadRequest,
    Failed,
    Forbidden,
    Invalid,
    Refused,
    TooLarge,
    Unauthenticated,
)
from roomtone.model.facts import AnyFact, Left, Located
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import MAX_FRAMES_KEPT, MAX_NAME_CHARS, MAX_UPLOAD_BYTES
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.services.inflow import Inflow, peer_id_of
from roomtone.services.rooms import Claims, Rooms
from roomtone.services.streaming import Stream, Streams
from roomtone.sources.recorded import recording_facts
from roomtone.sources.rtcstats import dump
from roomtone.sources.rtcstats.reader import Reader, described
from roomtone.sources.rtcstats.wire import PROTOCOLS, Frames, is_new_page
from roomtone.web.addresses import client_address
from roomtone.web.inlets.sockets import (
    AWAY,
    REFUSED,
    close_socket,
    next_text,
    open_socket,
    shows_secret,
)
from roomtone.web.uploads import UPLOAD_S, read_upload

VIA = "rtcstats"
ALGORITHM = "HS256"
MAX_TOKEN_CHARS = 8_192
NO_TOKEN = "Send ?rtcstats-token=: a JWT signed with the inlet's secret, or a participant's token."  # noqa: S105
FACTS_A_BATCH = 200
INVITED_S = 10.0
"""How long a participant on a socket is believed to be invited still."""
_CORS = {"access-control-allow-origin": "*"}
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "7200",
}

log = structlog.get_logger()
Locate = Callable[[str, int], Located]


class Caller(Struct, frozen=True):
    """Whose telemetry it is; "" for what its token does not say."""

    session: str = ""
    person: str = ""
    room: str = ""
    claims: Claims | None = None
    """Of a participant token, which says all but the session."""


class RtcstatsDoor:
    """Sockets and uploads of rtcstats."""

    def __init__(
        self,
        streams: Streams,
        inflow: Inflow,
        rooms: Rooms,
        clock: Clock,
        locate: Locate,
        trusted: frozenset[str],
        *,
        mask: bool,
    ) -> None:
        self._streams = streams
        self._inflow = inflow
        self._rooms = rooms
        self._clock = clock
        self._locate = locate
        self._trusted = trusted
        self._mask = mask

    # --- who ------------------------------------------------------------------------------------

    def _caller(self, inlet: Inlet, token: str | None, rest: str) -> Caller:
        """Raises Unauthenticated."""
        if token is None:
            is_secret, after = shows_secret(inlet, rest)
            token = rest.lstrip("/").partition("/")[0]
            if is_secret:
                return Caller(room=f"/{after}")
        if not token:
            raise Unauthenticated(NO_TOKEN)
        if len(token) > MAX_TOKEN_CHARS:
            raise Unauthenticated("The token is too long.")
        try:
            said = jwt.decode(token, inlet.secret, algorithms=[ALGORITHM])
        except jwt.PyJWTError:
            return self._participant(inlet, token)
        claim = said.get("rtcStats")
        if not isinstance(claim, dict):
            raise Unauthenticated("The token has no claim rtcStats {user, session, conference}.")
        user, session, conference = (
            f"{claim.get(name) or ''}"[:MAX_NAME_CHARS]
            for name in ("user", "session", "conference")
        )
        return Caller(session=session, person=user, room=conference)

    def _participant(self, inlet: Inlet, token: str) -> Caller:
        claims = self._rooms.verify(token)
        if claims.app_id != inlet.app_id:
            raise Unauthenticated("This participant token is of another app.")
        return Caller(claims=claims)

    async def _place(self, stream: Stream, inlet: Inlet, caller: Caller, peer: str) -> Subject:
        """Raises Invalid, Forbidden."""
        claims = caller.claims
        if claims is None:
            arrival = Arrival(
                room=caller.room or peer, person=caller.person or peer, peer=peer, key="", facts=()
            )
            return await self._streams.place(stream, inlet, arrival)
        peer_id = peer_id_of(claims.app_id, peer)
        subject = Subject(claims.app_id, claims.meeting_id, claims.participant_id, peer_id)
        self._streams.claim(stream, subject)
        return subject

    # --- the socket -----------------------------------------------------------------------------

    async def socket(self, socket: WebSocket, inlet: Inlet, rest: str) -> None:
        """One connection, from its first frame to its last."""
        await open_socket(socket, *PROTOCOLS)
        try:
            caller = self._caller(inlet, socket.query_params.get("rtcstats-token"), rest)
            first = await next_text(socket)
            stream = await self._stream(inlet, caller, first or "")
        except Refused as refused:
            await close_socket(socket, REFUSED, refused.message)
            return
        except WebSocketDisconnect:
            return
        me = stream.talker = object()
        frames = Frames(stream.reader)
        code = 1006
        try:
            await self._listen(
                socket, inlet, stream, frames, first, known=caller.claims is not None
            )
        except Forbidden as refused:
            await close_socket(socket, REFUSED, refused.message)
        except WebSocketDisconnect as gone:
            code = gone.code
        finally:
            last = stream.reader.last_t
            if stream.talker is me:
                stream.talker = None
                if code in AWAY and last is not None and stream.reader.joined_at is not None:
                    await self._streams.say(stream, [Left(t=last, reason="disconnect")])
            await stream.still()

    async def _stream(self, inlet: Inlet, caller: Caller, first: str) -> Stream:
        """The stream that a socket continues or begins. Raises Invalid, Forbidden."""
        session = caller.session
        known = self._streams.find(inlet, session) if session else None
        new_page = is_new_page(first)
        if known is not None and not new_page:
            return known
        stream = Stream(Reader(VIA, mask=self._mask), self._clock.new_id())
        await self._place(stream, inlet, caller, session or self._clock.new_id())
        if session:
            if known is not None:
                await known.still()
            elif not new_page:
                held = await self._streams.known(inlet, session)
                if held is not None and held.joined_at is not None:
                    stream.reader.resume(held.joined_at, held.reports)
            self._streams.keep(inlet, session, stream)
        return stream

    def _introduced(self, socket: WebSocket, t: int) -> list[AnyFact]:
        """What the request itself tells of a page."""
        facts = described(socket.headers.get("user-agent"), t)
        address = client_address(socket, self._trusted)
        if address is not None:
            facts.append(self._locate(address, t))
        return facts

    def _ask_again(self, stream: Stream) -> None:
        """Raise Forbidden for a participant who was removed since."""
        with suppress(Failed):  # nobody can be asked just now
            if stream.subject is not None:
                self._streams.claim(stream, stream.subject)

    async def _listen(
        self,
        socket: WebSocket,
        inlet: Inlet,
        stream: Stream,
        frames: Frames,
        first: str | None,
        *,
        known: bool,
    ) -> None:
        """``known``: whether it is a participant of ours, who may be removed meanwhile. Raises
        Forbidden then."""
        kept, introduced = 0, False
        text, asked_at = first, monotonic()
        while True:
            if known and monotonic() - asked_at >= INVITED_S:
                asked_at = monotonic()
                self._ask_again(stream)
            if text is not None:
                try:
                    facts = frames.receive(text, self._clock.now())
                    if facts and not introduced:
                        introduced = True
                        facts = [*self._introduced(socket, facts[0].t), *facts]
                    if facts:
                        await self._streams.say(stream, facts)
                except Refused as refused:
                    if kept < MAX_FRAMES_KEPT:
                        kept += 1
                        await self._keep(inlet, text, refused)
            text = await next_text(socket)

    async def _keep(self, inlet: Inlet, text: str, refused: Refused) -> None:
        body = text.encode(errors="replace")
        try:
            await self._streams.quarantine(inlet, VIA, body, refused.message, {})
        except Failed as failed:
            log.error("a frame could not be kept", error=failed.message, hint=failed.hint)

    # --- whole dumps ----------------------------------------------------------------------------

    async def upload(self, request: Request, inlet: Inlet, rest: str) -> Response:
        """``POST /in/{id}/upload``: a dump as the only file of a form, or as the body."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        place, _, behind = rest.partition("/")
        if place != "upload" or request.method != "POST":
            return _said(404, "Dumps are posted to …/upload.")
        token = request.query_params.get("rtcstats-token")
        bearer, _, header = request.headers.get("authorization", "").partition(" ")
        if token is None and bearer.lower() == "bearer" and header:
            token = header.strip()
        try:
            caller = self._caller(inlet, token, behind)
        except Refused as refused:
            return _said(403, refused.message)
        try:
            return await self._take(request, inlet, caller)
        except Invalid as refused:
            return _said(422, refused.message)
        except Refused as refused:
            return _said(refused.status, refused.message)
        except Failed as failed:
            log.error("a dump could not be stored", error=failed.message, hint=failed.hint)
            return JSONResponse(
                {"message": "Roomtone could not store it; send it again."},
                503,
                headers={**_CORS, "retry-after": "5"},
            )

    async def _take(self, request: Request, inlet: Inlet, caller: Caller) -> Response:
        data = await _file_of(request)
        if not data:
            raise Invalid("There is no dump in this request.")
        peers = await asyncio.to_thread(dump.decode_recording, data, mask=self._mask)
        if not peers:
            raise Invalid("The dump tells of no connection.")
        digest = blake2b(data, digest_size=16).hexdigest()
        stored: list[tuple[Subject, str, tuple[AnyFact, ...]]] = []
        for number, peer in enumerate(peers):
            # A file of two pages is one of two people; the token knows the first.
            whose = caller if number == 0 else replace(caller, session="", person=peer.label)
            stream = Stream(Reader(VIA, mask=self._mask), "")
            name = whose.session or f"{digest} {number}"
            subject = await self._place(stream, inlet, whose, name)
            facts = recording_facts(peer, mask=self._mask)
            for start in range(0, len(facts), FACTS_A_BATCH):
                some = facts[start : start + FACTS_A_BATCH]
                stored.append((subject, f"u:{digest}:{start}", some))
        await self._inflow.append(stored)
        said = {"message": "Stored.", "clientId": stored[0][0].peer_id}
        return JSONResponse(said, 200, headers=_CORS)


def _said(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers=_CORS)


async def _file_of(request: Request) -> bytes:
    """The first file of a form, or the body as it is. Raises TooLarge, BadRequest."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await read_upload(request, MAX_UPLOAD_BYTES)
    counted = Request(request.scope, _counted(request.receive, MAX_UPLOAD_BYTES))
    try:
        async with asyncio.timeout(UPLOAD_S), counted.form(max_files=1, max_fields=10) as form:
            for part in form.values():
                if isinstance(part, UploadFile):
                    return await part.read()
    except HTTPException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}") from None
    except (TimeoutError, ClientDisconnect):
        raise BadRequest("The form did not arrive whole.") from None
    raise Invalid("There is no file in this form.")


def _counted(receive: Receive, most: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise TooLarge(f"The form is larger than {most} bytes.")
        return message

    return counting
