"""Collect: one door for every source. Who are you → what do you say → kept → told so.

Nothing is acknowledged before the journal holds it durably, and nothing is stored in part: a batch
is accepted whole or refused whole, with every fault named.

Where the journal does not lie with the records, collecting goes on while those are away: who has a
token that an app signed is believed, and the roster looks up afterwards what could not be asked.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

import msgspec
from msgspec import Struct
from structlog.contextvars import bind_contextvars

from roomtone.model.errors import Failed, Forbidden, Refused, TooMany
from roomtone.model.facts import AnyFact, Described, Located
from roomtone.model.presence import Presence
from roomtone.model.rooms import ACTIVE
from roomtone.model.sessions import CLIENT
from roomtone.model.subjects import Subject
from roomtone.model.times import holds
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Page, Quarantined, Records, Transaction
from roomtone.services.origins import Origins
from roomtone.services.rate import RateLimit
from roomtone.services.reported import has_words, reports_of
from roomtone.services.rooms import Claims, Rooms
from roomtone.services.roster import CURSOR
from roomtone.services.words import Words
from roomtone.sources.decoded import Decoded
from roomtone.sources.presence import presence_of
from roomtone.sources.user_agents import describe
from roomtone.sources.wire import decode_batch

ADMISSION_MS = 3_000
"""How long a peer's admission is believed before the rows are asked again: so late does a process
learn that somebody was removed through another one. Through its own, at once."""
MAX_ADMISSIONS = 20_000
MAX_QUARANTINED = 1_000
"""Bodies kept per app; a client that only sends nonsense must not fill the disk."""


class Sender(Struct, frozen=True):
    """What the door knows of a request besides its body."""

    token: str
    user_agent: str | None
    address: str | None
    """As the operating system or a trusted proxy saw it; masked before it is kept."""
    origin: str | None = None
    """Of the web page that sends; None: it is no page."""


class Receipt(Struct, frozen=True):
    """What was accepted. ``next_seq`` is None for senders that do not number their batches."""

    accepted: int
    next_seq: int | None
    repeated: bool


class _Admission(Struct):
    subject: Subject
    good_until: int
    next_seq: int
    removals: int = 0
    """:attr:`Rooms.removals <roomtone.services.rooms.Rooms.removals>` when the rows were asked."""


Locate = Callable[[str, int], Located]
"""(address, t) → where it is, masked; from the operator's database or just the masked address."""


class Collector:
    """Takes batches in."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        rooms: Rooms,
        clock: Clock,
        locate: Locate,
        limit: RateLimit,
        words: Words,
        origins: Origins,
        *,
        mask: bool,
        moved: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._records = records
        self._rooms = rooms
        self._clock = clock
        self._locate = locate
        self._limit = limit
        self._words = words
        self._origins = origins
        self._mask = mask
        self._moved = moved
        self._admissions: OrderedDict[bytes, _Admission] = OrderedDict()

    def expect(self, sender: Sender) -> None:
        """Raise Refused for who may not send at all: before anything of a body is read."""
        claims = self._rooms.verify(sender.token)
        self._origins.check(claims.app_id, sender.origin)

    async def collect(self, sender: Sender, body: bytes) -> Receipt:
        """Store one body of either protocol. Raises Refused for what is wrong with it."""
        now = self._clock.now()
        claims = self._rooms.verify(sender.token)
        self._origins.check(claims.app_id, sender.origin)
        if not self._limit.allow(claims.participant_id, now):
            raise TooMany("Too many requests from this participant.", self._limit.retry_after_s)
        decoded = decode_batch(body, now=now, mask=self._mask, user_agent=sender.user_agent)
        bind_contextvars(peer_id=decoded.peer_id, participant_id=claims.participant_id)
        spoken = has_words(decoded.facts)
        if spoken:
            reports_of(decoded.facts)  # refuses a message that is none, before anything is kept
        admission, first = await self._admit(claims, decoded.peer_id, now)
        facts = self._introduced(decoded, sender, now) if first else decoded.facts
        presence = presence_of(decoded.facts, now)
        batch = Batch(
            subject=admission.subject,
            key=_key(decoded, body),
            received_at=now,
            facts=facts,
            presence=presence,
            deferred=spoken and self._journal.apart and self._records_away(),
        )
        (stored,) = await self._journal.append([batch])
        if stored and (first or presence.joins or presence.leaves):
            self._moved()
        if spoken and not (stored and batch.deferred):
            # Also of a repeated batch: the first time may have ended between the two.
            await self._take_words(batch, decoded.facts)
        if decoded.seq is None:
            return Receipt(decoded.entries, None, not stored)
        admission.next_seq = max(admission.next_seq, decoded.seq + 1)
        return Receipt(decoded.entries, admission.next_seq, not stored)

    async def _take_words(self, batch: Batch, facts: tuple[AnyFact, ...]) -> None:
        """Write the words of a batch that the journal holds; while the records are away, an empty
        batch beside it says that they are to be written afterwards."""
        try:
            await self._words.take(batch.subject, facts)
        except Failed:
            if not (self._journal.apart and self._records_away()):
                raise
            key = f"w:{batch.key}"
            note = Batch(batch.subject, key, batch.received_at, (), Presence(), deferred=True)
            await self._journal.append([note])

    async def quarantine(self, sender: Sender, body: bytes, reason: Refused) -> None:
        """Keep a body of a known participant that no decoder understood, to be tried again."""
        claims = self._rooms.verify(sender.token)
        self._origins.check(claims.app_id, sender.origin)
        faults = [{"where": fault.where, "why": fault.why} for fault in reason.faults]
        item = Quarantined(
            id=self._clock.new_id(),
            app_id=claims.app_id,
            source="realtimekit",
            reason=reason.message,
            body=body,
            context=msgspec.json.encode(
                {
                    "meeting_id": claims.meeting_id,
                    "participant_id": claims.participant_id,
                    "user_agent": sender.user_agent,
                    "faults": faults,
                }
            ).decode(),
            received_at=self._clock.now(),
        )

        def keep(tx: Transaction) -> None:
            _, held = tx.quarantine.quarantined(claims.app_id, Page(0, 1))
            if held < MAX_QUARANTINED:
                tx.quarantine.put_quarantined(item)

        await self._records.write(keep)

    async def _admit(self, claims: Claims, peer_id: str, now: int) -> tuple[_Admission, bool]:
        """The peer's admission, and whether this is the first we hear of it."""
        subject = Subject(claims.app_id, claims.meeting_id, claims.participant_id, peer_id)
        key = subject.key
        known = self._admissions.get(key)
        removals = self._rooms.removals
        if (
            known is not None
            and known.removals == removals
            and holds(now, known.good_until, ADMISSION_MS)
        ):
            return known, False
        try:
            first = self._records.peek(lambda tx: _check(tx, subject))
        except Failed:
            # Whether it can be kept is for the journal to say.
            first = known is None
        if known is None:
            last = await self._journal.last_seq(key)
            # Another request of this peer may have been admitted during that look-up.
            known = self._admissions.get(key) or _Admission(
                subject, 0, 0 if last is None else last + 1
            )
            first = first and known.good_until == 0
        known.good_until, known.removals = now + ADMISSION_MS, removals
        self._admissions[key] = known
        self._admissions.move_to_end(key)
        if len(self._admissions) > MAX_ADMISSIONS:
            self._admissions.popitem(last=False)
        return known, first

    def _records_away(self) -> bool:
        try:
            self._records.peek(lambda tx: tx.cursor(CURSOR))
        except Failed:
            return True
        return False

    def _introduced(self, decoded: Decoded, sender: Sender, now: int) -> tuple[AnyFact, ...]:
        """The facts, preceded by what the request itself tells of a peer we did not know."""
        start = min((fact.t for fact in decoded.facts), default=now)
        told: list[AnyFact] = []
        if sender.address is not None:
            told.append(self._locate(sender.address, start))
        if sender.user_agent:
            # Before anything the client says of itself, which is to win; and the batch with its
            # earliest words may be the last to arrive.
            described: Described = describe(sender.user_agent, 0)
            told.append(described)
        return (*told, *decoded.facts)


def _check(tx: Transaction, subject: Subject) -> bool:
    """Whether the peer is new; raises Forbidden if it may not speak."""
    participant = tx.rooms.participant(subject.app_id, subject.participant_id)
    if (
        participant is None
        or participant.deleted_at is not None
        or participant.meeting_id != subject.meeting_id
    ):
        raise Forbidden("This participant was removed from the meeting; ask for a new token.")
    peer = tx.sessions.peer(subject.app_id, subject.peer_id)
    # Of a peer that only a server told of, its own client comes first now.
    if peer is not None and peer.origin == CLIENT:
        if peer.user_id != subject.participant_id:
            raise Forbidden("This peer id belongs to another participant; make a fresh one.")
        session = tx.sessions.session_by_id(peer.session_id)
        if session is not None and session.trimmed_at is not None:
            raise Forbidden("This peer's record is closed: it is too old. Make a fresh peer id.")
        return False
    meeting = tx.rooms.meeting(subject.app_id, subject.meeting_id)
    if meeting is None or meeting.status != ACTIVE:
        raise Forbidden("This meeting is INACTIVE: nobody can join until it is made ACTIVE.")
    return True


def _key(decoded: Decoded, body: bytes) -> str:
    if decoded.seq is not None:
        return f"s:{decoded.seq}"
    return "h:" + blake2b(body, digest_size=16).hexdigest()
