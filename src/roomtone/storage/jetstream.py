"""One connection to NATS JetStream and the stream that holds fresh facts.

A batch is one message on a subject of its own, ``<stream>.<app>.<peer>.<key>``. The stream keeps
one message a subject and refuses a second: what was appended once is there once, for as long as it
is there, whoever sends it again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from uuid import uuid4

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, BadRequestError, NotFoundError

from roomtone.model.errors import Failed
from roomtone.storage.jetstream_acks import Acks
from roomtone.storage.jetstream_pull import Pull, position

THERE_ALREADY = 10_077
"""JetStream's err_code of a message whose subject has its one message."""
NAME_IN_USE = 10_058
CONNECT_S = 3
ACK_S = 10
"""A leader that dies is replaced in 5 to 6 s (measured); senders must be able to hold that long."""
IDLE_S = 30
AWAY_S = 2.0
"""So long after the connection was lost everybody waits for a new one; then all are refused at
once, for senders can hold more than our memory."""
LOOK_S = 0.05
OPEN_S = 4.0
"""For the first connection, to whichever server; the client by itself would try for ever."""
PLACE_S = (0.3, 0.3, 0.6, 0.6, 1.2, 1.2, 2.4, 2.4)
"""How long each try to place a reader among several nodes may take; alive, they need some ms."""
KEY_BYTES = 12

log = structlog.get_logger()

_BEHIND = "Look at the nodes of NATS (`nats stream report`); it is tried again."
_UNREACHABLE = "Start NATS with JetStream, and check --journal; senders keep what they have."


class Stream:
    """The stream, connected on first use and again on any other event loop."""

    def __init__(self, url: str, name: str, replicas: int) -> None:
        """``url``: of one server or, with commas between, of several that form a cluster."""
        self._urls = url.split(",")
        self.name = name
        self._replicas = replicas
        self._copies = replicas
        """As the stream was made, which may be otherwise than the setting says."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self._acks: Acks | None = None
        self._opening: asyncio.Lock | None = None
        self._refused_at = -AWAY_S
        self._trouble = ""
        self._lost_at: float | None = None
        self._away_since: float | None = None

    async def context(self) -> JetStreamContext:
        """JetStream, connected. Raises Failed."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._client, self._context = loop, None, None
            self._opening, self._refused_at = asyncio.Lock(), loop.time() - AWAY_S
        if self._context is not None and self._client is not None and not self._client.is_closed:
            return self._context
        assert self._opening is not None  # noqa: S101 - set with the loop
        async with self._opening:
            if self._context is None or self._client is None or self._client.is_closed:
                if loop.time() - self._refused_at < AWAY_S:
                    raise self._unanswered()  # who waited for the same try is not to wait for more
                try:
                    self._client, self._context = await self._open()
                except Failed:
                    self._refused_at = loop.time()
                    raise
        return self._context

    async def _open(self) -> tuple[Client, JetStreamContext]:
        try:
            async with asyncio.timeout(OPEN_S):
                client = await nats.connect(
                    self._urls,
                    connect_timeout=CONNECT_S,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,
                    pending_size=64 * 1024 * 1024,
                    error_cb=self._note,
                    disconnected_cb=self._tell_away,
                    reconnected_cb=self._tell_back,
                )
        except (Error, OSError, TimeoutError) as error:
            raise self._unanswered() from error
        context = client.jetstream(timeout=ACK_S)
        acks = Acks(client)
        try:
            self._copies = await self._made(context)
            await acks.listen()
        except (Error, TimeoutError) as error:
            await client.close()
            raise _failed(error) from error
        self._acks = acks
        return client, context

    async def _made(self, context: JetStreamContext) -> int:
        """Make the stream, unless it is there; how many copies it has."""
        wanted = StreamConfig(
            name=self.name,
            subjects=[f"{self.name}.>"],
            storage=StorageType.FILE,
            num_replicas=self._replicas,
            max_msgs_per_subject=1,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
        )
        try:
            info = await context.add_stream(wanted)
        except BadRequestError as error:
            # Somebody made it with other settings, such as more replicas: theirs stand.
            if error.err_code != NAME_IN_USE:
                raise
            info = await context.stream_info(self.name)
        return info.config.num_replicas or 1

    async def publish(self, subject: str, data: bytes, headers: dict[str, str]) -> bool:
        """Store one message, acknowledged by its replicas; False: its subject has one already."""
        await self.context()
        await self._connected()
        assert self._acks is not None  # noqa: S101 - set with the connection
        try:
            error = await self._acks.publish(subject, data, headers, ACK_S)
        except (Error, TimeoutError, OSError) as broken:
            raise _failed(broken) from broken
        if error is None:
            return True
        if error.err_code == THERE_ALREADY:
            return False
        raise Failed(f"JetStream: {error.description}", _UNREACHABLE)

    async def _connected(self) -> None:
        """Wait a moment for a lost connection to come back. Raises Failed."""
        loop = asyncio.get_running_loop()
        while self._client is not None and not self._client.is_connected:
            if self._lost_at is None:
                self._lost_at = loop.time()
            if loop.time() - self._lost_at >= AWAY_S:
                raise self._unanswered()
            await asyncio.sleep(LOOK_S)
        self._lost_at = None

    async def _note(self, error: Exception) -> None:
        """The client's own log of every try: told with what fails of it, where it matters."""
        self._trouble = f" ({error})"

    def _unanswered(self) -> Failed:
        where = _shown(self._urls)
        return Failed(f"NATS does not answer at {where}{self._trouble}.", _UNREACHABLE)

    async def _tell_away(self) -> None:
        if self._client is None or self._client.is_closed:
            return  # we left
        self._away_since = asyncio.get_running_loop().time()
        log.error("NATS is away", servers=_shown(self._urls), hint=_UNREACHABLE)

    async def _tell_back(self) -> None:
        url = self._client and self._client.connected_url
        away_s = asyncio.get_running_loop().time() - (self._away_since or 0)
        server = url.netloc.rpartition("@")[2] if url else ""
        log.info("NATS is back", server=server, away_s=round(away_s, 1))

    async def messages(
        self, pattern: str, *, after: int = 0, most: int | None = None, headers_only: bool = False
    ) -> list[Msg]:
        """The messages behind a number that fit a pattern, in order. Without ``most``: all that
        were acknowledged before the call. Raises Failed.

        A reader is placed on any one of the copies, which may be behind the others, lack some (seen
        once, with server 2.9.10, after its leaders had been killed one after another) or die; then
        another is asked.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + ACK_S
        while True:
            newest = count = 0
            if most is None and self._copies > 1:
                newest = await self._newest(pattern)
                count = await self._count(pattern)
            try:
                found = await self._looked(pattern, after, most, headers_only)
            except (Error, TimeoutError, OSError) as error:
                if self._copies == 1 or loop.time() > until:
                    raise _failed(error) from error
            else:
                if newest <= after or _is_whole(found, newest, 0 if after else count):
                    return found
                if loop.time() > until:
                    raise Failed("JetStream: a copy of the stream is behind.", _BEHIND)
            await asyncio.sleep(LOOK_S)

    async def _looked(
        self, pattern: str, after: int, most: int | None, headers_only: bool
    ) -> list[Msg]:
        async with self._pulling(pattern, after, headers_only) as pull:
            wanted = pull.pending if most is None else min(pull.pending, most)
            return await pull.messages(wanted)

    async def _newest(self, pattern: str) -> int:
        """The number of the newest message that fits, as the stream's leader knows it; 0: none."""
        context = await self.context()
        await self._connected()
        try:
            return (await context.get_last_msg(self.name, pattern)).seq or 0
        except NotFoundError:
            return 0
        except (Error, TimeoutError, OSError) as error:
            raise _failed(error) from error

    async def _count(self, pattern: str) -> int:
        """How many messages fit, as the stream's leader knows it; of more than 100,000 so many."""
        context = await self.context()
        try:
            info = await context.stream_info(self.name, subjects_filter=pattern)
        except (Error, TimeoutError, OSError) as error:
            raise _failed(error) from error
        return sum((info.state.subjects or {}).values())

    @asynccontextmanager
    async def _pulling(self, pattern: str, after: int, headers_only: bool) -> AsyncIterator[Pull]:
        await self.context()
        await self._connected()
        config = ConsumerConfig(
            name=uuid4().hex,
            filter_subject=pattern,
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            headers_only=headers_only,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=IDLE_S,
        )
        pull = await self._placed(config)
        try:
            yield pull
        finally:
            await pull.stop()
            await self._give_up(config)

    async def _placed(self, config: ConsumerConfig) -> Pull:
        """A consumer where it answers: JetStream may choose a node that has just died, and then
        nobody ever says so."""
        assert self._client is not None  # noqa: S101 - connected by the caller
        tries = (ACK_S,) if self._copies == 1 else PLACE_S
        for patience in tries[:-1]:
            try:
                return await self._made_pull(self._client, config, patience)
            except TimeoutError:
                await self._give_up(config)
                config.name = uuid4().hex
        return await self._made_pull(self._client, config, tries[-1])

    async def _made_pull(self, client: Client, config: ConsumerConfig, within_s: float) -> Pull:
        context = client.jetstream(timeout=within_s)
        return Pull(client, context, await context.add_consumer(self.name, config))

    async def _give_up(self, config: ConsumerConfig) -> None:
        """Say that a consumer may go, and wait for no answer: its node may be dead."""
        assert self._client is not None  # noqa: S101 - connected by the caller
        with suppress(Error, TimeoutError, OSError):
            await self._client.publish(f"$JS.API.CONSUMER.DELETE.{self.name}.{config.name}")

    async def last(self) -> int:
        """The number of the newest message."""
        context = await self.context()
        await self._connected()
        try:
            return (await context.stream_info(self.name)).state.last_seq
        except (Error, TimeoutError, OSError) as error:
            raise _failed(error) from error

    async def purge(self, pattern: str) -> None:
        """Take away what fits a pattern."""
        context = await self.context()
        try:
            await context.purge_stream(self.name, subject=pattern)
        except (Error, TimeoutError, OSError) as error:
            raise _failed(error) from error

    async def take_away(self, number: int) -> None:
        """Take one message away; it may be gone."""
        context = await self.context()
        try:
            await context.delete_msg(self.name, number)
        except NotFoundError:
            return
        except APIError as error:
            if error.code != 500:
                raise _failed(error) from error
        except (Error, TimeoutError, OSError) as error:
            raise _failed(error) from error

    async def close(self) -> None:
        """Disconnect, if this loop is connected."""
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.close()
        self._client = self._context = None


def _is_whole(found: Sequence[Msg], newest: int, count: int) -> bool:
    """Whether there are so many up to the newest one, and this one too."""
    numbers = [position(message) for message in found]
    return bool(numbers) and numbers[-1] >= newest and sum(n <= newest for n in numbers) >= count


def subject_of(stream: str, app_id: str, peer: bytes, key: str) -> str:
    """Where a batch lies. Ids of apps are ours, without dots; keys are any text, so hashed."""
    hashed = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).hexdigest()
    return f"{stream}.{app_id}.{peer.hex()}.{hashed}"


def peer_pattern(stream: str, peer: bytes) -> str:
    """Every batch of a peer, of whatever app."""
    return f"{stream}.*.{peer.hex()}.*"


def _failed(error: Exception) -> Failed:
    return Failed(f"JetStream: {type(error).__name__} {error}".strip(), _UNREACHABLE)


def _shown(urls: Sequence[str]) -> str:
    """Without the user and the password that they may hold."""
    return ", ".join(url.rpartition("@")[2].removeprefix("nats://") for url in urls)
