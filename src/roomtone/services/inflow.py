"""Inflow: arrivals of other systems → the journal, under the meeting and the person they mean.

Rooms become meetings by name and identities become participants, made when they are first heard of.
Their ids follow from the names, so two processes that hear of a room at once make the same one.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec.structs import replace

from roomtone.model.errors import Failed, Fault, Forbidden, Invalid
from roomtone.model.facts import AnyFact, Snapshot
from roomtone.model.inlets import Arrival
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.model.rooms import ACTIVE, Meeting, Participant
from roomtone.model.subjects import Subject, room_subject
from roomtone.model.times import holds
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.services.reported import has_words
from roomtone.services.sighted import sighted_id, uuid_of
from roomtone.services.words import Words
from roomtone.sources.presence import presence_of

PRESET = "group_call_participant"
MAX_PLACES = 20_000
"""Places held in memory; one that fell out is looked up again."""
PLACE_MS = 60_000
"""How long a place is believed before the rows are asked again."""


class Inflow:
    """Puts what other systems tell where it belongs."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        words: Words,
        clock: Clock,
        *,
        moved: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._records = records
        self._words = words
        self._clock = clock
        self._moved = moved
        self._places: OrderedDict[tuple[str, ...], tuple[Subject, int]] = OrderedDict()

    async def take(self, app_id: str, arrivals: Sequence[Arrival]) -> int:
        """Store what arrived, durably; how many were new. Raises Invalid, Forbidden.

        A delivery that came before has no effect.
        """
        subjects = [await self.place(app_id, arrival) for arrival in arrivals]
        return await self.append(
            [
                (subject, arrival.key, arrival.facts)
                for subject, arrival in zip(subjects, arrivals, strict=True)
            ]
        )

    async def append(self, batches: Sequence[tuple[Subject, str, tuple[AnyFact, ...]]]) -> int:
        """Store facts of placed peers, each batch under a key of its own; how many were new."""
        now = self._clock.now()
        made = [
            Batch(
                subject=subject,
                key=key,
                received_at=now,
                facts=facts,
                presence=presence_of(facts, now),
            )
            for subject, key, facts in batches
        ]
        if not made:
            return 0
        stored = await self._journal.append(made)
        if any(stored) and any(_tells_more(batch) for batch in made):
            self._moved()
        for batch in made:
            if has_words(batch.facts):
                await self._words.take(batch.subject, batch.facts)
        return sum(stored)

    async def known(self, app_id: str, peer: str) -> Subject | None:
        """Whose a peer is that was heard of before: its sender now tells its id alone."""
        peer_id = peer_id_of(app_id, peer)
        return await self._records.read(lambda tx: _known(tx, app_id, peer_id))

    async def place(self, app_id: str, arrival: Arrival, *, by_server: bool = False) -> Subject:
        """The subject that an arrival belongs to; its meeting and participant are made if new.

        ``by_server``: whether it is a server's word of somebody else.
        """
        _check(arrival)
        held = (app_id, arrival.room, arrival.person, arrival.peer, arrival.display_name)
        now = self._clock.now()
        known = self._places.get(held)
        if known is not None and holds(now, known[1], PLACE_MS):
            return known[0]
        try:
            subject = await self._records.write(
                lambda tx: _placed(tx, app_id, arrival, by_server, now)
            )
        except Failed:
            if known is None:
                raise
            return known[0]  # the records are away: it stands where it stood
        self._places[held] = (subject, now + PLACE_MS)
        self._places.move_to_end(held)
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        return subject


def _known(tx: Transaction, app_id: str, peer_id: str) -> Subject | None:
    peer = tx.sessions.peer(app_id, peer_id)
    session = None if peer is None else tx.sessions.session_by_id(peer.session_id)
    if peer is None or session is None:
        return None
    return Subject(app_id, session.meeting_id, peer.user_id, peer_id)


def _tells_more(batch: Batch) -> bool:
    """Whether a batch holds more than signs of life, which the roster looks for once a second."""
    return any(type(fact) is not Snapshot for fact in batch.facts)


def _check(arrival: Arrival) -> None:
    faults = [
        Fault(f"/{name}", "is missing" if not text else f"must be at most {most} characters")
        for name, text, most in (
            ("room", arrival.room, MAX_NAME_CHARS),
            *(() if _of_room(arrival) else _whose(arrival)),
        )
        if not text or len(text) > most
    ]
    if faults:
        raise Invalid("It cannot be told whose this is.", tuple(faults))


def _of_room(arrival: Arrival) -> bool:
    return not arrival.person and not arrival.peer


def _whose(arrival: Arrival) -> tuple[tuple[str, str, int], ...]:
    return (
        ("person", arrival.person, MAX_NAME_CHARS),
        ("peer", arrival.peer, MAX_NAME_CHARS),
    )


def _placed(tx: Transaction, app_id: str, arrival: Arrival, by_server: bool, now: int) -> Subject:
    parent = None
    if arrival.parent_room:
        parent = _meeting(tx, app_id, arrival.parent_room, "", None, now).id
    meeting = _meeting(tx, app_id, arrival.room, arrival.room_title, parent, now)
    if meeting.status != ACTIVE:
        raise Forbidden("This meeting is INACTIVE: nobody can join until it is made ACTIVE.")
    if _of_room(arrival):
        return room_subject(app_id, meeting.id)
    participant = _participant(tx, meeting, arrival, now)
    if participant.deleted_at is not None:
        raise Forbidden("This participant was removed from the meeting.")
    named = _named(participant, arrival, by_server)
    if named != participant:
        tx.rooms.put_participant(named)
    return Subject(app_id, meeting.id, participant.id, peer_id_of(app_id, arrival.peer))


def _meeting(
    tx: Transaction, app_id: str, room: str, title: str, parent: str | None, now: int
) -> Meeting:
    """The meeting that has this id, or that this name stood for before; else a new one."""
    known = tx.rooms.meeting(app_id, tx.inlets.meeting_of_room(app_id, room) or room)
    if known is not None:
        return _told_more(tx, known, room, title, parent)
    meeting = Meeting(
        id=uuid_of(app_id, "room", room),
        app_id=app_id,
        title=title or room,
        parent_meeting_id=parent,
        created_at=now,
        updated_at=now,
    )
    tx.rooms.put_meeting(meeting)
    tx.inlets.put_room(app_id, room, meeting.id)
    return meeting


def _told_more(
    tx: Transaction, meeting: Meeting, room: str, title: str, parent: str | None
) -> Meeting:
    """With the title and the parent that were told after somebody was there already. What the app
    itself made, or changed, stays: only those made here have never been updated."""
    made_here = uuid_of(meeting.app_id, "room", room)
    if meeting.id != made_here or meeting.updated_at != meeting.created_at:
        return meeting
    more = replace(
        meeting,
        title=title if title and meeting.title == room else meeting.title,
        parent_meeting_id=meeting.parent_meeting_id or _parent_of(tx, meeting, parent),
    )
    if more != meeting:
        tx.rooms.put_meeting(more)
    return more


def _parent_of(tx: Transaction, meeting: Meeting, parent: str | None) -> str | None:
    """That parent, unless the meeting is itself above it: two rooms may name each other."""
    above, seen = parent, set[str]()
    while above is not None and above not in seen:
        seen.add(above)
        found = tx.rooms.meeting(meeting.app_id, above)
        above = None if found is None else found.parent_meeting_id
    return None if meeting.id in seen else parent


def _participant(tx: Transaction, meeting: Meeting, arrival: Arrival, now: int) -> Participant:
    """Who has this identity: a participant's id, or the custom id that the app gave."""
    called = [
        found
        for found in tx.rooms.people_called(meeting.app_id, arrival.person)
        if found.meeting_id == meeting.id
    ]
    if called:
        return min(called, key=lambda p: (p.deleted_at is not None, p.created_at, p.id))
    participant = Participant(
        id=sighted_id(meeting.app_id, meeting.id, arrival.person),
        app_id=meeting.app_id,
        meeting_id=meeting.id,
        custom_participant_id=arrival.person[:MAX_ID_CHARS],
        preset_name=PRESET,
        name=arrival.display_name[:MAX_NAME_CHARS] or arrival.person[:MAX_NAME_CHARS],
        created_at=now,
        updated_at=now,
    )
    tx.rooms.put_participant(participant)
    return participant


def _named(participant: Participant, arrival: Arrival, by_server: bool) -> Participant:
    """Called as the client says, else as a server does, whoever comes first. What the app itself
    named, or changed, stays: only those made here have never been updated."""
    name = arrival.display_name[:MAX_NAME_CHARS]
    made_here = sighted_id(participant.app_id, participant.meeting_id, arrival.person)
    if not name or participant.id != made_here or participant.updated_at != participant.created_at:
        return participant
    if by_server and participant.name != arrival.person[:MAX_NAME_CHARS]:
        return participant
    return replace(participant, name=name)


def peer_id_of(app_id: str, peer: str) -> str:
    """The peer id of another system's connection id: itself if it is a UUID, else made of it."""
    try:
        return str(UUID(peer))
    except ValueError:
        return uuid_of(app_id, "peer", peer)
