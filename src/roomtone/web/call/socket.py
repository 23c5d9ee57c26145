"""``/call/{meeting_id}/signal``: the WebSocket between a page and the hub.

The token comes in the first message, not in the address, so no proxy's log has it.
"""

import asyncio
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from roomtone.model.errors import Failed, Forbidden, Refused
from roomtone.model.limits import MAX_CALL_MESSAGE_BYTES
from roomtone.model.rooms import ACTIVE, Participant
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.services.rooms import Claims, Rooms
from roomtone.web.call.hub import BAD_MESSAGE, BAD_TOKEN, IDLE, REMOVED, Hub, Member, Refusal
from roomtone.web.call.messages import Hello, hello_from, message_from

HELLO_S = 10.0
"""How long a page may take to say who it is."""
IDLE_S = 60.0
"""A page pings every 15 s; one that said nothing for so long is not there any more."""
SEND_S = 20.0
"""How long one message may take to get out."""
WELCOME_S = 5.0
"""How long it is believed that somebody may be there. Another process may show them out."""
SHOWN_OUT = frozenset({"kicked", "host_ended"})

log = structlog.get_logger()


class Sockets:
    """The door of the hub."""

    def __init__(
        self, hub: Hub, rooms: Rooms, records: Records, clock: Clock, base_url: str
    ) -> None:
        self._hub = hub
        self._rooms = rooms
        self._records = records
        self._clock = clock
        self._own = urlsplit(base_url).netloc.lower()

    async def signal(self, socket: WebSocket) -> None:
        """One connection, from its first word to its end."""
        if not self._is_ours(socket):
            await socket.close(code=1008, reason="This page is not of this server.")
            return
        await socket.accept()
        try:
            claims, member = await self._greet(socket)
        except Refusal as refusal:
            await _close(socket, refusal.code, refusal.reason)
            return
        except WebSocketDisconnect:
            return
        sending = asyncio.create_task(self._send(socket, member))
        try:
            await self._listen(socket, claims, member)
        except Refusal as refusal:
            member.outbox.end(refusal.code, refusal.reason)
        except WebSocketDisconnect:
            member.outbox.drop()
        finally:
            self._hub.leave(member, lost=True)
            member.outbox.end(1000, "")
            with suppress(asyncio.CancelledError):
                await sending

    def _is_ours(self, socket: WebSocket) -> bool:
        """Whether the page came from here: by the host it called, or the one that people are told
        (behind a proxy the two differ). What says no origin is no browser; all need a token."""
        origin = socket.headers.get("origin")
        if origin is None:
            return True
        said = urlsplit(origin).netloc.lower()
        return bool(said) and said in (socket.headers.get("host", "").lower(), self._own)

    async def _greet(self, socket: WebSocket) -> tuple[Claims, Member]:
        try:
            async with asyncio.timeout(HELLO_S):
                text = await _receive(socket)
        except TimeoutError:
            raise Refusal(IDLE, "The first message did not come.") from None
        try:
            hello = hello_from(text)
        except msgspec.DecodeError as error:
            raise Refusal(
                BAD_MESSAGE, _reason(f"The first message must be hello: {error}")
            ) from None
        claims, member = await self._admitted(hello, socket.path_params["meeting_id"])
        self._hub.enter(member)
        return claims, member

    async def _admitted(self, hello: Hello, meeting_id: str) -> tuple[Claims, Member]:
        try:
            claims = self._rooms.verify(hello.token)
            if claims.meeting_id != meeting_id:
                raise Forbidden("This token is for another meeting.")
            name = await self._records.read(lambda tx: _check(tx, claims))
        except Refused as refused:
            code = REMOVED if isinstance(refused, Forbidden) else BAD_TOKEN
            raise Refusal(code, _reason(refused.message)) from None
        room_id = (claims.app_id, claims.meeting_id)
        now = self._clock.now()
        member = Member(room_id, hello.peer_id, claims.participant_id, name, hello.media, now)
        return claims, member

    async def _listen(self, socket: WebSocket, claims: Claims, member: Member) -> None:
        asked_at = monotonic()
        while member.outbox.ended is None:
            try:
                async with asyncio.timeout(IDLE_S):
                    text = await _receive(socket)
            except TimeoutError:
                raise Refusal(IDLE, "Nothing was heard for a minute.") from None
            try:
                message = message_from(text)
            except msgspec.DecodeError as error:
                raise Refusal(BAD_MESSAGE, _reason(f"Not understood: {error}")) from None
            self._hub.hear(member, message)
            if monotonic() - asked_at >= WELCOME_S:
                asked_at = monotonic()
                await self._ask_again(claims, member)

    async def _ask_again(self, claims: Claims, member: Member) -> None:
        """Raise Refusal for who was shown out of the call since, in whichever process."""
        try:
            await self._records.read(lambda tx: _check_still(tx, claims, member.peer_id))
        except Forbidden as refused:
            raise Refusal(REMOVED, _reason(refused.message)) from None
        except Failed:
            return  # nobody can be asked just now; calls go on

    async def _send(self, socket: WebSocket, member: Member) -> None:
        """Empty the outbox, then close. The listener ends when the connection does."""
        outbox = member.outbox
        try:
            while (text := await outbox.next()) is not None:
                async with asyncio.timeout(SEND_S):
                    await socket.send_text(text)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            outbox.drop()
        code, reason = outbox.ended or (1011, "")
        await _close(socket, code, reason)


async def _receive(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text = message.get("text")
    if text is None:
        raise Refusal(BAD_MESSAGE, "Messages are text.")
    if len(text) > MAX_CALL_MESSAGE_BYTES:
        raise Refusal(1009, f"A message may have {MAX_CALL_MESSAGE_BYTES} bytes.")
    return str(text)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(SEND_S):
            await socket.close(code, reason)


def _invited(tx: Transaction, claims: Claims) -> Participant:
    person = tx.rooms.participant(claims.app_id, claims.participant_id)
    if person is None or person.deleted_at is not None or person.meeting_id != claims.meeting_id:
        raise Forbidden("You were removed from this meeting.")
    return person


def _check_still(tx: Transaction, claims: Claims, peer_id: str) -> None:
    """Raise Forbidden for who is not invited any more, or was shown out and has not come back. A
    meeting that became INACTIVE lets its call go on."""
    _invited(tx, claims)
    peer = tx.sessions.peer(claims.app_id, peer_id)
    if peer is None or peer.left_at is None or not peer.presence.removed:
        return
    if peer.presence.removed[-1][1] in SHOWN_OUT:
        raise Forbidden("The host ended this call for you.")


def _check(tx: Transaction, claims: Claims) -> str:
    """The person's name; raises Forbidden if they may not be there."""
    person = _invited(tx, claims)
    meeting = tx.rooms.meeting(claims.app_id, claims.meeting_id)
    if meeting is None or meeting.status != ACTIVE:
        raise Forbidden("This meeting is INACTIVE: nobody can join until it is made ACTIVE.")
    return person.name or "Guest"


def _reason(text: str) -> str:
    """A close frame's reason has room for 123 bytes."""
    return text.encode()[:120].decode(errors="ignore")
