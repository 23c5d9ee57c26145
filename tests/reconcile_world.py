"""A meeting that clients and servers tell of, for the laws of reconciling."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from roomtone.model.facts import AnyFact, Joined, Left, ServerSaw, Sighting, Snapshot
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import Peer, Session
from roomtone.model.stats import OutboundRtp
from roomtone.model.subjects import Subject, room_subject
from roomtone.ports.journal import Batch
from roomtone.services.roster import Roster
from roomtone.sources.presence import presence_of
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000
SECOND = 1_000
PEOPLE = 4
Span = tuple[int, int | None]


class SetClock:
    """A clock that the test sets."""

    def __init__(self, now: int) -> None:
        self.time = now
        self.made = 0

    def now(self) -> int:
        return self.time

    def new_id(self) -> str:
        self.made += 1
        return f"00000000-0000-4000-8000-{self.made:012d}"


@dataclass
class World:
    """One meeting, a roster over memory."""

    clock: SetClock = field(default_factory=lambda: SetClock(T0 + 10_000 * SECOND))
    records: SqlRecords = field(default_factory=lambda: SqlRecords(Database.open(":memory:")))
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def __post_init__(self) -> None:
        self.roster = Roster(self.journal, self.records, self.clock, silence_s=90)

    async def furnish(self) -> "World":
        def put(tx):
            tx.rooms.put_meeting(
                Meeting(id="m", app_id="a", title="Weekly", created_at=T0, updated_at=T0)
            )
            for number in range(PEOPLE):
                tx.rooms.put_participant(
                    Participant(
                        id=f"u{number}",
                        app_id="a",
                        meeting_id="m",
                        custom_participant_id=f"c{number}",
                        preset_name="p",
                        created_at=T0,
                        updated_at=T0,
                    )
                )

        await self.records.write(put)
        return self

    async def tell(self, batches: Sequence[Batch]) -> None:
        await self.journal.append(list(batches))
        await self.roster.catch_up()

    async def session(self) -> Session | None:
        found = await self.records.read(lambda tx: tx.sessions.sessions_of("m"))
        assert len(found) <= 1, "one meeting, held once"
        return found[0] if found else None

    async def rows(self) -> dict[str, Peer]:
        session = await self.session()
        if session is None:
            return {}
        peers = await self.records.read(lambda tx: tx.sessions.peers(session.id))
        return {peer.peer_id: peer for peer in peers}

    async def counted(self) -> list[Peer]:
        return [peer for peer in (await self.rows()).values() if peer.counts]


def client(person: int, peer: str, *facts: AnyFact, at: float, key: str = "") -> Batch:
    """A client's batch that Roomtone got ``at`` seconds."""
    return told(Subject("a", "m", f"u{person}", peer), facts, at, key)


def server(
    person: int,
    sid: str,
    what: Sighting,
    t: float,
    *,
    at: float | None = None,
    source: str = "livekit",
    same_as: tuple[str, ...] = (),
) -> Batch:
    """A server's event of second ``t`` by its clock, which came ``at`` (else at once)."""
    fact = ServerSaw(ms(t), source, what, same_as)
    return told(Subject("a", "m", f"u{person}", sid), (fact,), t if at is None else at)


def room(what: Sighting, t: float, *, source: str = "livekit", at: float | None = None) -> Batch:
    """An event of the whole room."""
    fact = ServerSaw(ms(t), source, what)
    return told(room_subject("a", "m"), (fact,), t if at is None else at)


def told(subject: Subject, facts: Sequence[AnyFact], at: float, key: str = "") -> Batch:
    received = ms(at)
    return Batch(
        subject,
        key
        or "/".join(f"{type(fact).__name__}{fact.t}{getattr(fact, 'what', '')}" for fact in facts),
        received,
        tuple(facts),
        presence_of(facts, received),
    )


def joined(t: float) -> Joined:
    return Joined(ms(t), "call_join")


def left(t: float) -> Left:
    return Left(ms(t), "disconnect")


def media(t: float) -> Snapshot:
    stat = OutboundRtp(id="o", timestamp=float(ms(t)), ssrc=1, kind="audio", packets_sent=1.0)
    return Snapshot(ms(t), "pc", "producing", (stat,))


def ms(t: float) -> int:
    return T0 + round(t * SECOND)


def seconds(t: int | None) -> float | None:
    return None if t is None else (t - T0) / SECOND


def naive_peak(spans: list[Span]) -> int:
    """The most that were there at any moment, looked for at every moment."""
    most = 0
    for moment in {joined for joined, _ in spans}:
        before = sum(1 for a, b in spans if a < moment and (b is None or b > moment))
        joining = sum(1 for a, b in spans if a == moment and b != moment)
        passing = (moment, moment) in spans  # there for less than a millisecond: counts alone
        most = max(most, before + joining, before + passing)
    return most
