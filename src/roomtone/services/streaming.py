"""Streaming: what peers say over sockets → the journal, in as few writes as there is time for.

All streams share one pump: it takes what has gathered, appends it as one group, and begins again.
While a write is under way the next one grows, and where several talk at once it waits a moment for
more: a thousand sockets cost some twenty writes a second, and a single one waits for nobody.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from roomtone.model.errors import Failed, Forbidden, Refused
from roomtone.model.facts import AnyFact, Joined, Snapshot
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import MAX_IDLE_STREAMS, MAX_WAITING_FACTS
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Journal
from roomtone.ports.records import Page, Quarantined, Records, Transaction
from roomtone.services.inflow import Inflow, peer_id_of
from roomtone.sources.rtcstats.reader import Reader

GATHER_S = 0.01
CROWD_GATHER_S = 0.04
"""How much longer, where others talk as well: every write is a sync of the disk and a transaction,
whatever it holds, and live figures come once a second at most."""
STREAMS_A_WRITE = 200
"""About ten milliseconds' work, during which no socket is read."""
RETRY_S = 1.0
IDLE_MS = 15 * 60 * 1000
"""Longer than any client keeps trying to come back (Jitsi's: ten minutes)."""
MAX_QUARANTINED = 1_000
"""Bodies kept per app, as at the collector's door."""

log = structlog.get_logger()


class Stream:
    """One peer that talks over a socket, or will again. Rows may be numbered by their sender."""

    def __init__(self, reader: Reader, prefix: str) -> None:
        self.reader = reader
        self.subject: Subject | None = None
        self.room = ""
        self.known_sn = 0
        """The journal had the rows up to this one before we heard of any."""
        self.taken_sn = 0
        self.durable_sn = 0
        self.talker: object | None = None
        """The connection that speaks for it now."""
        self.touched = 0
        self.told: Callable[[], None] | None = None
        """Called after every write."""
        self._prefix = prefix
        self._batch = 0
        self._handed_sn = 0
        self._facts: list[AnyFact] = []
        self._still = asyncio.Event()
        self._still.set()
        self.queued = False

    @property
    def crowded(self) -> bool:
        """Whether so much waits that its sender had better be stopped."""
        return len(self._facts) >= MAX_WAITING_FACTS

    def hold(self, facts: Sequence[AnyFact]) -> None:
        """Keep facts for the next write."""
        self._facts += facts

    async def still(self) -> None:
        """Wait until nothing is to be written."""
        await self._still.wait()

    def handed_over(self) -> tuple[str, tuple[AnyFact, ...], int]:
        """(key, facts, the number of the last row among them) for one write."""
        self.queued = False
        facts, self._facts = tuple(self._facts), []
        if self._prefix:
            self._batch += 1
            return f"{self._prefix}:{self._batch}", facts, self.taken_sn
        if self.taken_sn == self._handed_sn:
            return f"e:{self.taken_sn}", facts, self.taken_sn  # its end: no row of its own
        self._handed_sn = self.taken_sn
        return f"s:{self.taken_sn}", facts, self.taken_sn

    def busy(self) -> None:
        """Something is to be written."""
        self._still.clear()

    def written(self, sn: int) -> None:
        """What was handed over is durable."""
        self.durable_sn = max(self.durable_sn, sn)
        if not self.queued:
            self._still.set()
        if self.told is not None:
            self.told()


class Known(Struct, frozen=True):
    """What the journal holds of a peer that comes back to a process which never heard of it."""

    subject: Subject
    last_sn: int
    joined_at: int | None
    reports: dict[str, list[dict[str, Any]]]


class Streams:
    """Every stream of this process, and the pump that writes what they say."""

    def __init__(self, inflow: Inflow, journal: Journal, records: Records, clock: Clock) -> None:
        self._inflow = inflow
        self._journal = journal
        self._records = records
        self._clock = clock
        self._streams: OrderedDict[tuple[str, str], Stream] = OrderedDict()
        self._endpoints: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._waiting: list[Stream] = []
        self._pump: asyncio.Task[None] | None = None

    # --- who there is ---------------------------------------------------------------------------

    def find(self, inlet: Inlet, peer: str) -> Stream | None:
        """The stream of a peer that was heard of lately."""
        return self._streams.get((inlet.id, peer))

    def keep(self, inlet: Inlet, peer: str, stream: Stream) -> None:
        """Remember a stream for as long as its client may come back."""
        now = self._clock.now()
        stream.touched = now
        self._streams[inlet.id, peer] = stream
        self._streams.move_to_end((inlet.id, peer))
        for key, other in list(self._streams.items()):
            crowded = len(self._streams) > MAX_IDLE_STREAMS
            if not crowded and now - other.touched < IDLE_MS:
                break
            if other.talker is None:
                del self._streams[key]
            elif crowded:
                break
            else:
                other.touched = now
                self._streams.move_to_end(key)

    def name(self, inlet: Inlet, room: str, endpoint: str, peer_id: str) -> None:
        """Others of the room call this peer so."""
        self._endpoints[inlet.id, room, endpoint] = peer_id
        if len(self._endpoints) > MAX_IDLE_STREAMS:
            self._endpoints.popitem(last=False)

    def named(self, inlet: Inlet, room: str) -> Callable[[str], str]:
        """How the others of a room are called → their peer ids."""
        return lambda endpoint: self._endpoints.get((inlet.id, room, endpoint), "")

    async def place(self, stream: Stream, inlet: Inlet, arrival: Arrival) -> Subject:
        """Find the meeting and the person of a stream. Raises Invalid, Forbidden."""
        subject = await self._inflow.place(inlet.app_id, arrival)
        self._records.peek(lambda tx: _check(tx, subject))
        stream.subject, stream.room = subject, arrival.room
        return subject

    def claim(self, stream: Stream, subject: Subject) -> None:
        """The subject of a stream whose sender named it itself. Raises Forbidden, also for who was
        removed from the meeting."""

        def check(tx: Transaction) -> None:
            _check_invited(tx, subject)
            _check(tx, subject)

        self._records.peek(check)
        stream.subject, stream.room = subject, subject.meeting_id

    async def known(self, inlet: Inlet, peer: str) -> Known | None:
        """What the journal holds of a peer; None if it never came."""
        peer_id = peer_id_of(inlet.app_id, peer)
        subject = self._records.peek(lambda tx: _subject(tx, inlet.app_id, peer_id))
        return None if subject is None else await self.held(subject)

    async def held(self, subject: Subject) -> Known:
        """What the journal holds of a subject."""
        reports: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        joined: list[int] = []
        for chunk in await self._journal.read(subject.key):
            for fact in chunk.facts():
                if isinstance(fact, Joined):
                    joined.append(fact.t)
                elif isinstance(fact, Snapshot):
                    last = reports.get(fact.transport)
                    if last is None or last[0] <= fact.t:
                        whole = [msgspec.to_builtins(stat) for stat in fact.stats]
                        reports[fact.transport] = (fact.t, whole)
        last_sn = await self._journal.last_seq(subject.key)
        return Known(
            subject=subject,
            last_sn=last_sn or 0,
            joined_at=min(joined, default=None),
            reports={pc: report for pc, (_, report) in reports.items()},
        )

    # --- what they say --------------------------------------------------------------------------

    async def say(self, stream: Stream, facts: Sequence[AnyFact]) -> None:
        """Hand facts to the pump; waits only while too much waits already."""
        stream.hold(facts)
        stream.touched = self._clock.now()
        stream.busy()
        if not stream.queued:
            stream.queued = True
            self._waiting.append(stream)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        if stream.crowded:
            await stream.still()

    async def _run(self) -> None:
        while self._waiting:
            await self._gather()
            streams = self._waiting[:STREAMS_A_WRITE]
            del self._waiting[:STREAMS_A_WRITE]
            written: list[tuple[Stream, int]] = []
            batches: list[tuple[Subject, str, tuple[AnyFact, ...]]] = []
            for stream in streams:
                key, facts, sn = stream.handed_over()
                written.append((stream, sn))
                if facts and stream.subject is not None:
                    batches.append((stream.subject, key, facts))
            await self._append(batches)
            for stream, sn in written:
                stream.written(sn)

    async def _gather(self) -> None:
        """Wait for more: a moment, longer among others, not at all if a write's worth is there."""
        for wait_s in (GATHER_S, CROWD_GATHER_S):
            if len(self._waiting) >= STREAMS_A_WRITE:
                return
            await asyncio.sleep(wait_s)
            if len(self._waiting) == 1:
                return

    async def _append(self, batches: list[tuple[Subject, str, tuple[AnyFact, ...]]]) -> None:
        """Until it is done: whoever sent this has nothing but our word that it was kept."""
        while batches:
            try:
                await self._inflow.append(batches)
            except Failed as failed:
                log.error("streams could not be stored", error=failed.message, hint=failed.hint)
                await asyncio.sleep(RETRY_S)
                continue
            except Refused as refused:
                log.warning("what streams said was refused", error=refused.message)
            return

    async def quarantine(
        self, inlet: Inlet, source: str, body: bytes, reason: str, context: dict[str, Any]
    ) -> None:
        """Keep what no decoder understood."""
        item = Quarantined(
            id=self._clock.new_id(),
            app_id=inlet.app_id,
            source=source,
            reason=reason,
            body=body,
            context=msgspec.json.encode({"inlet_id": inlet.id, **context}).decode(),
            received_at=self._clock.now(),
        )

        def put(tx: Transaction) -> None:
            _, held = tx.quarantine.quarantined(inlet.app_id, Page(0, 1))
            if held < MAX_QUARANTINED:
                tx.quarantine.put_quarantined(item)

        await self._records.write(put)


def _subject(tx: Transaction, app_id: str, peer_id: str) -> Subject | None:
    peer = tx.sessions.peer(app_id, peer_id)
    session = None if peer is None else tx.sessions.session_by_id(peer.session_id)
    if peer is None or session is None:
        return None
    return Subject(app_id, session.meeting_id, peer.user_id, peer_id)


def _check_invited(tx: Transaction, subject: Subject) -> None:
    person = tx.rooms.participant(subject.app_id, subject.participant_id)
    if person is None or person.deleted_at is not None or person.meeting_id != subject.meeting_id:
        raise Forbidden("This participant was removed from the meeting; ask for a new token.")


def _check(tx: Transaction, subject: Subject) -> None:
    peer = tx.sessions.peer(subject.app_id, subject.peer_id)
    if peer is None:
        return
    if peer.user_id != subject.participant_id:
        raise Forbidden("This connection's id belongs to somebody else.")
    session = tx.sessions.session_by_id(peer.session_id)
    if session is not None and session.trimmed_at is not None:
        raise Forbidden("This connection's record is closed: it is too old.")
