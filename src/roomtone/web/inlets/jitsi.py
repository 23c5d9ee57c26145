"""Jitsi's door: its rtcstats client's WebSocket, protocol 3.1, at ``/in/{id}/{secret}/{meeting}``.

The client sends nothing before it is told from which row on, keeps what was not acknowledged, and
sends it again after a break. So every row is acknowledged, once it is durable, and a client that
comes back is told the last row that is. Whose telemetry it is, its ``identity`` says, which need
not come first: until then nothing is stored and nothing acknowledged.

Clients of 2022 and before name their session in their messages only, begin at once and number
nothing: a break is their end.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from roomtone.model.errors import BadRequest, Failed, Refused, Unauthenticated
from roomtone.model.facts import AnyFact, Happened, Left, Located
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import MAX_FRAMES_KEPT, MAX_FUTURE_MS, MAX_ID_CHARS, MAX_PAST_MS
from roomtone.ports.clock import Clock
from roomtone.services.inflow import peer_id_of
from roomtone.services.streaming import Stream, Streams
from roomtone.sources.jitsi_wire import (
    INITIAL,
    RECEIVED,
    acknowledgement,
    decode_message,
    is_old_report,
    is_server,
)
from roomtone.sources.rtcstats.reader import Reader, described
from roomtone.sources.rtcstats.rows import NAMED, Row
from roomtone.web.addresses import client_address
from roomtone.web.inlets.sockets import (
    AWAY,
    REFUSED,
    close_socket,
    next_text,
    open_socket,
    shows_secret,
)

VIA = "jitsi"
LEFT = 3001
UNRESUMABLE = 3002
IDLE = 1001
IDLE_S = 60.0
"""The client says something every 30 s."""
MAX_UNPLACED = 200
"""Rows that wait for an identity; then the session's own id has to do."""
LINES_KEPT, BYTES_KEPT = 200, 1024 * 1024
"""Messages that make one body in quarantine; fewer, if they are as large."""

log = structlog.get_logger()
Locate = Callable[[str, int], Located]


class JitsiDoor:
    """Sockets of Jitsi's clients, and of its servers."""

    def __init__(
        self,
        streams: Streams,
        clock: Clock,
        locate: Locate,
        trusted: frozenset[str],
        *,
        mask: bool,
    ) -> None:
        self.streams = streams
        self.clock = clock
        self.locate = locate
        self.trusted = trusted
        self.mask = mask

    async def socket(self, socket: WebSocket, inlet: Inlet, rest: str) -> None:
        """One connection."""
        protocol = await open_socket(socket)
        try:
            is_secret, room = shows_secret(inlet, rest)
            if not is_secret:
                raise Unauthenticated("The URL does not hold this inlet's secret.")
            if is_server(protocol):
                await self._server(socket, inlet, protocol)
                return
            session = socket.query_params.get("statsSessionId", "")[:MAX_ID_CHARS]
            first = "" if session else await self._first(socket)
            named = session or await self._named(inlet, first)
            talk = _Talk(self, socket, inlet, unquote(room).strip("/") or "jitsi", named)
            talk.first, talk.numbered = first, bool(session)
            await talk.begin()
        except Refused as refused:
            await close_socket(socket, REFUSED, refused.message)
        except WebSocketDisconnect:
            pass
        else:
            await talk.listen()

    async def _first(self, socket: WebSocket) -> str:
        """The first message of a client that does not wait for us. Raises BadRequest."""
        try:
            async with asyncio.timeout(IDLE_S):
                return await next_text(socket) or ""
        except TimeoutError:
            raise BadRequest("Nothing was heard for a minute.") from None

    async def _named(self, inlet: Inlet, first: str) -> str:
        """The session that a message names. Raises BadRequest, when it is kept."""
        try:
            named = decode_message(first, numbered=False).session
            if not named:
                raise BadRequest("Neither the URL nor the first message has a statsSessionId.")
        except BadRequest as refused:
            if first:
                await self.set_aside(inlet, first.encode(errors="replace"), refused.message, "3.1")
            raise
        return named

    async def _server(self, socket: WebSocket, inlet: Inlet, protocol: str) -> None:
        """JVB, Jicofo, Jigasi: what they say is kept for a version of us that reads it."""
        lines = _Lines(self, inlet, protocol, f"Messages of {protocol[:40]} are kept, not read.")
        with suppress(WebSocketDisconnect):
            await socket.send_text(acknowledgement(0, INITIAL))
        try:
            while True:
                text = await next_text(socket)
                if text is not None:
                    await lines.add(text)
        finally:
            await lines.end()

    async def set_aside(self, inlet: Inlet, body: bytes, reason: str, protocol: str) -> None:
        """Into quarantine."""
        try:
            await self.streams.quarantine(inlet, VIA, body, reason, {"protocol": protocol})
        except Failed as failed:
            log.error("a message could not be kept", error=failed.message, hint=failed.hint)


class _Lines:
    """Messages that are kept, many to a body."""

    def __init__(self, door: JitsiDoor, inlet: Inlet, protocol: str, reason: str) -> None:
        self._door = door
        self._inlet = inlet
        self._protocol = protocol
        self._reason = reason
        self._lines: list[bytes] = []
        self._size = 0

    async def add(self, text: str) -> None:
        """One more."""
        self._lines.append(text.encode(errors="replace"))
        self._size += len(self._lines[-1])
        if len(self._lines) >= LINES_KEPT or self._size >= BYTES_KEPT:
            await self.end()

    async def end(self) -> None:
        """Into quarantine with what there is."""
        body = b"\n".join(self._lines)
        self._lines, self._size = [], 0
        if body:
            await self._door.set_aside(self._inlet, body, self._reason, self._protocol)


class _Talk:
    """One connection of one client. ``numbered``: whether its rows are, else ``first`` is the first
    of its messages, heard already."""

    def __init__(
        self, door: JitsiDoor, socket: WebSocket, inlet: Inlet, room: str, session: str
    ) -> None:
        self._door = door
        self._streams = door.streams
        self._socket = socket
        self._inlet = inlet
        self._room = room
        self._session = session
        self._acked = 0
        self._ack = asyncio.Event()
        self._unplaced = 0
        self._bad = 0
        self.first, self.numbered = "", True
        self._old: _Lines | None = None
        self._stream: Stream

    # --- the beginning --------------------------------------------------------------------------

    async def begin(self) -> None:
        """Find what the client goes on with, and tell it from where. Raises Refused."""
        known = self._streams.find(self._inlet, self._session)
        if known is None:
            known = await self._recalled()
        self._stream = stream = known
        stream.talker = self
        stream.told = self._ack.set
        # What the connection before this one brought is to be durable before it is counted.
        await stream.still()
        self._acked = stream.durable_sn
        # Who has gone already may have said all there was to say.
        with suppress(WebSocketDisconnect):
            await self._socket.send_text(acknowledgement(self._acked, INITIAL))

    async def _recalled(self) -> Stream:
        """A stream that this process does not know: new, or from before a restart."""
        streams, inlet = self._streams, self._inlet
        named = streams.named(inlet, self._room)
        reader = Reader(VIA, mask=self._door.mask, absent_is_gone=True, named=named)
        stream = Stream(reader, "")
        held = None
        if not self.numbered or self._socket.query_params.get("isReconnect") == "true":
            held = await streams.known(inlet, self._session)
        if held is not None:
            streams.claim(stream, held.subject)
            stream.known_sn = stream.taken_sn = stream.durable_sn = held.last_sn
            if held.joined_at is not None:
                reader.resume(held.joined_at, held.reports)
        streams.keep(inlet, self._session, stream)
        return stream

    # --- what it says ---------------------------------------------------------------------------

    async def listen(self) -> None:
        """Until it ends."""
        acking = asyncio.create_task(self._acknowledge())
        code = 1006
        try:
            code = await self._hear()
        except WebSocketDisconnect as gone:
            code = gone.code
        finally:
            stream = self._stream
            if stream.talker is self:
                stream.talker = stream.told = None
                last = stream.reader.last_t
                left = code == LEFT if self.numbered else code in AWAY
                if left and last is not None and stream.subject is not None:
                    await self._streams.say(stream, [Left(t=last, reason="disconnect")])
                if stream.subject is not None:
                    await stream.still()
            if self._old is not None:
                await self._old.end()
            acking.cancel()
            with suppress(asyncio.CancelledError):
                await acking

    async def _hear(self) -> int:
        text: str | None
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    text, self.first = self.first or await next_text(self._socket), ""
            except TimeoutError:
                await close_socket(self._socket, IDLE, "Nothing was heard for a minute.")
                return IDLE
            if self._stream.talker is not self:
                await close_socket(self._socket, UNRESUMABLE, "Another connection took over.")
                return UNRESUMABLE
            if text is None:
                continue
            try:
                await self._take(text)
            except Refused as refused:
                self._bad += 1
                if self._bad <= MAX_FRAMES_KEPT:
                    body = text.encode(errors="replace")
                    await self._door.set_aside(self._inlet, body, refused.message, "3.1")

    async def _take(self, text: str) -> None:
        """One message. Raises Refused."""
        message = decode_message(text, numbered=self.numbered)
        if message.kind == "close":
            await close_socket(self._socket, LEFT, "")
        row, stream = message.row, self._stream
        sn = message.sn if self.numbered else stream.taken_sn + 1
        if row is None or sn <= stream.taken_sn:
            return
        now = self._door.clock.now()
        facts: list[AnyFact] = []
        if stream.taken_sn and sn > stream.taken_sn + 1:
            count = sn - stream.taken_sn - 1
            facts.append(Happened(t=row.t, name="collector_dropped", metadata={"count": count}))
        stream.taken_sn = sn
        if not now - MAX_PAST_MS <= row.t <= now + MAX_FUTURE_MS:
            return
        if self._old is None and is_old_report(row):
            why = "Statistics of Chrome's old getStats() are kept, not read."
            self._old = _Lines(self._door, self._inlet, "3.1_LEGACY", why)
        if self._old is not None and row.method == NAMED:
            await self._old.add(text)
        else:
            facts += stream.reader.take(row)
        if row.method == "identity":
            self._name()
        if stream.subject is None:
            await self._wait_for_identity(row, facts)
        elif sn > stream.known_sn:
            await self._streams.say(stream, facts)

    async def _wait_for_identity(self, row: Row, facts: list[AnyFact]) -> None:
        stream = self._stream
        stream.hold(facts)
        self._unplaced += 1
        who = stream.reader.identity
        if not who and self._unplaced < MAX_UNPLACED:
            return
        person = who.get("userId") or who.get("deviceId") or who.get("endpointId")
        arrival = Arrival(
            room=self._room,
            person=person or self._session,
            peer=self._session,
            key="",
            facts=(),
            display_name=who.get("displayName", ""),
        )
        try:
            subject = await self._streams.place(stream, self._inlet, arrival)
        except Refused as refused:
            await close_socket(self._socket, UNRESUMABLE, refused.message)
            return
        held = await self._streams.held(subject)
        stream.known_sn = held.last_sn
        introduced = described(self._socket.headers.get("user-agent"), row.t)
        address = client_address(self._socket, self._door.trusted)
        if address is not None:
            introduced.append(self._door.locate(address, row.t))
        await self._streams.say(stream, introduced)

    def _name(self) -> None:
        """Let others of the room be understood when they tell of this endpoint."""
        endpoint = self._stream.reader.identity.get("endpointId")
        if endpoint:
            peer_id = peer_id_of(self._inlet.app_id, self._session)
            self._streams.name(self._inlet, self._room, endpoint, peer_id)

    # --- what it is told ------------------------------------------------------------------------

    async def _acknowledge(self) -> None:
        """Tell the client of every write. Before its peer has joined nothing is: after a restart
        only what it then says again tells who it is."""
        while True:
            await self._ack.wait()
            self._ack.clear()
            stream = self._stream
            may = stream.reader.joined_at is not None or stream.durable_sn >= MAX_UNPLACED
            if may and stream.durable_sn > self._acked:
                self._acked = stream.durable_sn
                try:
                    await self._socket.send_text(acknowledgement(self._acked, RECEIVED))
                except (RuntimeError, WebSocketDisconnect):
                    return


__all__ = ["JitsiDoor"]
