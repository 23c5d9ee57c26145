"""The feed: session rows as they change, for any number of listeners.

One loop looks at the database for all of them, and only while somebody listens. A listener waits
for its app's bell and costs nothing between two rings; each changed row is read and encoded once.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable

import structlog
from msgspec import Struct, field

from roomtone.model.errors import Failed, TooMany
from roomtone.model.limits import MAX_LIVE_LISTENERS, MAX_LIVE_ROWS_KEPT
from roomtone.model.sessions import Session
from roomtone.ports.records import Records, Transaction

LOOK_S = 0.4
"""A change is shown within a second, also where reading it takes a while."""
HEARTBEAT_S = 15.0
"""Shorter than the idle time-outs of proxies."""
IDLE_LOOKS = 75
"""Half a minute: who comes back within it goes on where it stopped."""
ROWS_AT_ONCE = 200
REVISION = "sessions.revision"
"""The cursor that every put of a session moves on."""

HELLO = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"
RESET = b"event: reset\ndata: {}\n\n"
"""Says that too much happened meanwhile: read the list again."""

log = structlog.get_logger()


class Changed(Struct, frozen=True):
    """A row as it goes out, and the revision that made it so."""

    revision: int
    event: bytes


class Channel(Struct):
    """What is told to the listeners of one app."""

    since: int
    """Every change after this revision is in ``kept``."""
    kept: deque[Changed] = field(default_factory=deque)
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0
    idle_looks: int = 0

    def tell(self, row: Changed) -> None:
        """Keep a row for those who listen, and forget the oldest past the limit."""
        self.kept.append(row)
        if len(self.kept) > MAX_LIVE_ROWS_KEPT:
            self.since = self.kept.popleft().revision

    def ring(self) -> None:
        """Wake everybody who waits."""
        self.bell.set()
        self.bell = asyncio.Event()


class Feed:
    """``encode`` turns sessions into the JSON of list rows, in the transaction they came from."""

    def __init__(
        self, records: Records, encode: Callable[[Transaction, list[Session]], list[bytes]]
    ) -> None:
        self._records = records
        self._encode = encode
        self._version: Hashable = None
        self._revision = 0
        self._channels: dict[str, Channel] = {}
        self._listeners = 0
        self._loop: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._closing = False

    def close(self) -> None:
        """End every stream: the server is stopping. Called from the event loop."""
        self._closing = True
        for channel in self._channels.values():
            channel.ring()

    async def listen(
        self, app_id: str, last_id: int | None, welcome: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """Events of an app from now on, or from those after ``last_id``.

        Ends when ``welcome``, asked at every heartbeat and before anything is told, says no.
        Raises TooMany at once where too many listen already.
        """
        if self._listeners >= MAX_LIVE_LISTENERS:
            raise TooMany("Too many consoles listen to this server.", 30)
        if self._loop is None:
            self._ready.clear()
            self._loop = asyncio.create_task(self._follow())
        await self._ready.wait()
        return self._events(app_id, last_id, welcome)

    async def _events(
        self, app_id: str, last_id: int | None, welcome: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        channel = self._channels.setdefault(app_id, Channel(since=self._revision))
        channel.listeners += 1
        self._listeners += 1
        told = self._revision if last_id is None or last_id > self._revision else last_id
        try:
            yield HELLO
            while not self._closing and self._loop is not None and welcome():
                bell = channel.bell
                if told < channel.since:
                    told = self._revision
                    yield RESET
                news = [row for row in channel.kept if row.revision > told]
                if news:
                    told = news[-1].revision
                    yield b"".join(row.event for row in news)
                try:
                    await asyncio.wait_for(bell.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield HEARTBEAT
        finally:
            channel.listeners -= 1
            self._listeners -= 1

    async def _follow(self) -> None:
        """The one loop: look, tell, and end when nobody has listened for a while."""
        try:
            self._version = self._records.version()
            self._revision = await self._records.read(lambda tx: tx.cursor(REVISION))
            self._channels.clear()
            self._ready.set()
            while not self._closing:
                await asyncio.sleep(LOOK_S)
                version = self._records.version()
                if version != self._version:
                    self._version = version
                    await self._look()
                self._drop_idle()
                if not self._channels:
                    return
        except Failed as failed:
            # Who listened comes back by itself, and is told 503 until there is something to tell.
            log.warning("live events end", error=failed.message, hint=failed.hint)
        finally:
            self._loop = None
            self._ready.set()
            for channel in self._channels.values():
                channel.ring()

    def _drop_idle(self) -> None:
        for app_id, channel in list(self._channels.items()):
            channel.idle_looks = 0 if channel.listeners else channel.idle_looks + 1
            if channel.idle_looks > IDLE_LOOKS:
                del self._channels[app_id]

    async def _look(self) -> None:
        """Tell of what changed, a bite at a time."""
        apps = frozenset(self._channels)
        while True:
            found, news = await self._bite(self._revision, apps)
            if found:
                self._revision = found[-1]
            for app_id, row in news:
                if app_id in self._channels:
                    self._channels[app_id].tell(row)
            for app_id in {app_id for app_id, _ in news} & self._channels.keys():
                self._channels[app_id].ring()
            if len(found) < ROWS_AT_ONCE:
                return

    async def _bite(
        self, after: int, apps: frozenset[str]
    ) -> tuple[list[int], list[tuple[str, Changed]]]:
        return await self._records.read(lambda tx: self._ask(tx, after, apps))

    def _ask(
        self, tx: Transaction, after: int, apps: frozenset[str]
    ) -> tuple[list[int], list[tuple[str, Changed]]]:
        """The revisions after that one, and the rows of those that somebody listens for."""
        found = tx.sessions.changed_since(after, ROWS_AT_ONCE)
        wanted = [(revision, session) for revision, session in found if session.app_id in apps]
        rows = self._encode(tx, [session for _, session in wanted])
        return [revision for revision, _ in found], [
            (session.app_id, Changed(revision, _event(revision, row)))
            for (revision, session), row in zip(wanted, rows, strict=True)
        ]


def _event(revision: int, row: bytes) -> bytes:
    return b"id: %d\nevent: session\ndata: %s\n\n" % (revision, row)
