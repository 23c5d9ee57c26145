"""Seal: fold each peer of a finished session once, and store the reports for good.

A session is sealed as a whole, when it has ended, because a received stream's score needs the
sender's leg of the way too. While a session is LIVE the same fold runs over the journal so far.
A report depends on the journal and the rows alone, never on when it was made: replay gives the same
bytes (law 9).
"""

import asyncio
import gzip
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.errors import NotFound
from roomtone.model.facts import Identified
from roomtone.model.peer_report import PeerReport
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Chunk, Journal
from roomtone.ports.records import Records, StoredReport, Transaction
from roomtone.report.build import FOLD_MODEL, MODELS, build
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.report.stay import clock_offset, stay
from roomtone.report.traces import ProducerTrace, traces
from roomtone.services.roster import CURSOR
from roomtone.services.words import session_subject
from roomtone.settings import Scale

KEPT_STATES = 64
"""Peers of a session whose folded states are kept between the two passes; others fold twice."""
GZIP_LEVEL = 9

log = structlog.get_logger()


class Answer(Struct, frozen=True):
    """The whole body of the peer-report endpoint."""

    success: bool
    data: dict[str, PeerReport]


class Outcome(Struct, frozen=True):
    """What sealing (or rebuilding) a session did."""

    session_id: str
    peers: int
    changed: int
    """Reports whose bytes differ from those that were stored."""


class _Folded(Struct, frozen=True):
    """A peer's journal, folded, and what it says of the peer's presence."""

    state: PeerState
    presence: Presence


class Sealer:
    """Makes reports, live or for good."""

    def __init__(
        self, journal: Journal, records: Records, clock: Clock, reading_ms: int, scale: Scale
    ) -> None:
        self._journal = journal
        self._records = records
        self._clock = clock
        self._reading_ms = reading_ms
        self._scale = scale
        self._model = f"{FOLD_MODEL}+{MODELS[scale]}"

    async def live_report(self, peer: Peer) -> PeerReport:
        """The report of a peer as far as its journal goes now."""
        session = await self._records.read(lambda tx: tx.sessions.session_by_id(peer.session_id))
        if session is not None and session.trimmed_at is not None:
            raise NotFound("The report of this peer is no longer kept.")
        peers = await self._records.read(lambda tx: tx.sessions.peers(peer.session_id))
        others: dict[str, ProducerTrace] = {}
        for other in peers:
            if other.peer_id != peer.peer_id:
                others |= _traces(await self._folded(other, session))
        return self._built(peer, session, await self._folded(peer, session), others)

    async def seal(self, session_id: str) -> Outcome | None:
        """Store the reports of an ENDED session; None if it is not (or no longer) ENDED."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED:
            return None
        through = self._records.peek(lambda tx: tx.cursor(CURSOR))
        # Once the journal was erased there is nothing to fold: the stored reports stand.
        changed = 0 if session.trimmed_at else await self._store(session, peers)

        def finish(tx: Transaction) -> bool:
            now = tx.sessions.session_by_id(session_id)
            if now is None or now.updated_at != session.updated_at:
                return False  # facts came in meanwhile: it stays unsealed, and comes up again
            tx.sessions.put_session(replace(now, sealed_at=self._clock.now()))
            return True

        if await self._records.write(finish):
            for subject in (session_subject(session).key, *(peer.subject for peer in peers)):
                await self._journal.pack(subject, through)
        return Outcome(session_id, len(peers), changed)

    async def rebuild(self, session_id: str) -> Outcome | None:
        """Replay the journal of an ENDED session into fresh reports; replace those that differ."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED or session.trimmed_at is not None:
            return None
        return Outcome(session_id, len(peers), await self._store(session, peers))

    async def _store(self, session: Session, peers: Sequence[Peer]) -> int:
        """Fold and store every peer's report; how many differ from the stored ones."""
        others: dict[str, ProducerTrace] = {}
        kept: dict[bytes, _Folded] = {}
        for peer in peers:
            folded = await self._folded(peer, session)
            others |= _traces(folded)
            if len(kept) < KEPT_STATES:
                kept[peer.subject] = folded
        changed = 0
        for peer in peers:
            folded = kept.get(peer.subject) or await self._folded(peer, session)
            body = await asyncio.to_thread(self._body, peer, session, folded, others)
            changed += await self._records.write(self._put(peer, body))
        return changed

    def _body(
        self,
        peer: Peer,
        session: Session,
        folded: _Folded,
        others: Mapping[str, ProducerTrace],
    ) -> bytes:
        report = self._built(peer, session, folded, others)
        # mtime=0: the same report is the same bytes whenever it is made.
        return gzip.compress(msgspec.json.encode(answer(report)), GZIP_LEVEL, mtime=0)

    def _put(self, peer: Peer, body: bytes) -> Callable[[Transaction], bool]:
        def put(tx: Transaction) -> bool:
            before = tx.reports.report(peer.app_id, peer.peer_id)
            if before is not None and before.body == body and before.model == self._model:
                return False
            tx.reports.put_report(
                StoredReport(
                    subject=peer.subject,
                    app_id=peer.app_id,
                    peer_id=peer.peer_id,
                    session_id=peer.session_id,
                    model=self._model,
                    body=body,
                    sealed_at=self._clock.now(),
                )
            )
            return True

        return put

    async def _folded(self, peer: Peer, session: Session | None) -> _Folded:
        chunks = await self._journal.read(peer.subject)
        return await asyncio.to_thread(self._fold, peer, session, chunks)

    def _fold(self, peer: Peer, session: Session | None, chunks: Sequence[Chunk]) -> _Folded:
        state = fold(new_state(self._reading_ms), [_identity(peer, session)])
        state = fold(state, in_order((chunk.t_min, chunk.facts) for chunk in chunks))
        return _Folded(state, _presence(chunks))

    def _built(
        self,
        peer: Peer,
        session: Session | None,
        folded: _Folded,
        others: Mapping[str, ProducerTrace],
    ) -> PeerReport:
        there = stay(folded.presence)
        if there is None:
            raise AssertionError(f"peer {peer.peer_id} has a row but never joined")
        if there.left_at is None and session is not None and session.status == ENDED:
            there = replace(there, left_at=peer.left_at or session.ended_at)
        return build(
            folded.state,
            there,
            others,
            clock_offset_ms=clock_offset(folded.presence),
            scale=self._scale,
        )


def answer(report: PeerReport) -> Answer:
    """The endpoint's body around a report."""
    return Answer(success=True, data={"participant": report})


def _traces(folded: _Folded) -> dict[str, ProducerTrace]:
    return traces(folded.state, clock_offset_ms=clock_offset(folded.presence))


def _presence(chunks: Sequence[Chunk]) -> Presence:
    """What all chunks of a peer say together."""
    whole = Presence()
    for chunk in chunks:
        whole = merge(whole, chunk.presence)
    return whole


def _of(tx: Transaction, session_id: str) -> tuple[Session | None, list[Peer]]:
    return tx.sessions.session_by_id(session_id), tx.sessions.peers(session_id)


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
