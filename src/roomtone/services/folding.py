"""Folding: the journals of a session's peers, and what the report of one needs of the others.

A received stream's score needs the sender's leg of the way. Everybody is folded once to learn who
sends what; states are kept as far as there is room, and of those that are not only those who are
received by somebody are folded again for what they sent. So a session of thousands takes the memory
of its readings up to a limit, and then only of those who are heard and seen.
"""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence

from msgspec import Struct

from roomtone.findings.session import Pauses, Thresholds, pauses_of
from roomtone.model.facts import Identified
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import Peer, Session
from roomtone.ports.journal import Chunk, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.report.stay import clock_offset
from roomtone.report.talk import Heard, heard, together
from roomtone.report.traces import ProducerTrace, traces
from roomtone.report.wanted import Offers, wanted_by
from roomtone.services.thresholds import thresholds_of

KEPT_READINGS = 250_000
"""Of the states that are kept between two passes, about 0.4 KB each; other peers fold again. An
hour in a call of four is 5,760."""
EMPTY = 100
"""What a state takes besides, in readings."""


class Folded(Struct, frozen=True):
    """A peer's journal, folded, and what it says of the peer's presence."""

    state: PeerState
    presence: Presence

    def traces(self) -> dict[str, ProducerTrace]:
        """What the peer sent."""
        return traces(self.state, clock_offset_ms=clock_offset(self.presence))

    def heard(self) -> Heard:
        """What it says of who talked."""
        return heard(self.state.talk, self.presence.last_t or 0)


class Backdrop(Struct, frozen=True):
    """What is small of a whole session: enough for the report of one more peer of a large one."""

    offers: Offers
    heard: Heard


class Whole(Struct, frozen=True):
    """What a peer's report needs of the whole session."""

    session: Session | None
    others: Mapping[str, ProducerTrace]
    pauses: Mapping[str, Pauses]
    thresholds: Thresholds
    kept: Mapping[bytes, Folded]
    backdrop: Backdrop


class Folder:
    """Folds journals."""

    def __init__(self, journal: Journal, records: Records, reading_ms: int) -> None:
        self._journal = journal
        self._records = records
        self._reading_ms = reading_ms

    async def folded(self, peer: Peer, session: Session | None) -> Folded:
        """One peer's."""
        chunks = await self._journal.read(peer.subject)
        return await asyncio.to_thread(self._fold, peer, session, chunks)

    def _fold(self, peer: Peer, session: Session | None, chunks: Sequence[Chunk]) -> Folded:
        state = fold(new_state(self._reading_ms), [_identity(peer, session)])
        state = fold(state, in_order((chunk.t_min, chunk.facts) for chunk in chunks))
        return Folded(state, _presence(chunks))

    async def whole(self, session: Session | None, peers: Sequence[Peer]) -> Whole:
        """Fold every peer, and keep what the others' reports need of it."""
        kept: dict[bytes, Folded] = {}
        room = KEPT_READINGS
        said: list[Heard] = []
        pauses: dict[str, Pauses] = {}
        offers, wanted = Offers(), set[Hashable]()
        for peer in peers:
            folded = await self.folded(peer, session)
            said.append(folded.heard())
            pauses[peer.peer_id] = pauses_of(folded.state.events, clock_offset(folded.presence))
            offers.add(peer.subject, peer.peer_id, folded.traces())
            wanted |= wanted_by(folded.state)
            room -= EMPTY + folded.state.budget.readings + folded.state.budget.points
            if room >= 0:
                kept[peer.subject] = folded
        senders = offers.of(wanted)
        return Whole(
            session=session,
            others=await self._sent(session, [p for p in peers if p.subject in senders], kept),
            pauses=pauses,
            thresholds=await self._thresholds(session),
            kept=kept,
            backdrop=Backdrop(offers, together(said)),
        )

    async def around(self, folded: Folded, session: Session | None, backdrop: Backdrop) -> Whole:
        """As much of the whole as the report of one peer needs: only those whom it receives are
        folded. Who began to send after the ``backdrop`` was made is found if its receiver's client
        says who it is."""
        subjects = backdrop.offers.of(wanted_by(folded.state))
        senders = await self._records.read(lambda tx: _rows(tx, subjects))
        return Whole(
            session=session,
            others=await self._sent(session, senders, {}),
            pauses={},
            thresholds=await self._thresholds(session),
            kept={},
            backdrop=backdrop,
        )

    async def _sent(
        self, session: Session | None, senders: Sequence[Peer], kept: Mapping[bytes, Folded]
    ) -> dict[str, ProducerTrace]:
        others: dict[str, ProducerTrace] = {}
        for peer in senders:
            folded = kept.get(peer.subject) or await self.folded(peer, session)
            others |= folded.traces()
        return others

    async def _thresholds(self, session: Session | None) -> Thresholds:
        if session is None:
            return Thresholds.of(None)
        return await self._records.read(lambda tx: thresholds_of(tx, session.app_id))


def _rows(tx: Transaction, subjects: Iterable[bytes]) -> list[Peer]:
    """By their joins, as those of a whole session are; who turned out to be another is left out."""
    rows = (tx.sessions.peer_by_subject(subject) for subject in subjects)
    found = [row for row in rows if row is not None and not row.merged_into]
    return sorted(found, key=lambda row: (row.joined_at, row.peer_id, row.subject))


def _presence(chunks: Sequence[Chunk]) -> Presence:
    """What all chunks of a peer say together."""
    whole = Presence()
    for chunk in chunks:
        whole = merge(whole, chunk.presence)
    return whole


def _identity(peer: Peer, session: Session | None) -> Identified:
    return Identified(
        t=0,
        app_id=peer.app_id,
        meeting_id="" if session is None else session.meeting_id,
        session_id=peer.session_id,
        peer_id=peer.peer_id,
        user_id=peer.user_id,
        custom_participant_id=peer.custom_participant_id,
        display_name=peer.display_name,
        preset_name=peer.preset_name,
        picture=peer.picture,
    )
