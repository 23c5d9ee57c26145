"""Seal: fold each peer of a finished session once, and store the reports for good.

A session is sealed as a whole, when it has ended, because a received stream's score needs the
sender's leg of the way too. While a session is LIVE the same fold runs over the journal so far.
A report depends on the journal and the rows alone, never on when it was made: replay gives the same
bytes (law 9).
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.findings.session import Noticed, Pauses, Story, Thresholds, notice, pauses_of, story
from roomtone.model.attendance import TalkTime
from roomtone.model.digests import Digest, PeerFigures
from roomtone.model.errors import NotFound
from roomtone.model.facts import Identified
from roomtone.model.peer_report import PeerReport
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Chunk, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.report.build import FOLD_MODEL, MODELS, build_observed
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.report.stay import ATTEMPTED, Stay, clock_offset, stay
from roomtone.report.talk import Heard, heard, talk_time, together
from roomtone.report.traces import ProducerTrace, traces
from roomtone.services.digesting import digest_of, digest_stored, figures_of
from roomtone.services.hook_outbox import Outbox
from roomtone.services.live_stories import LiveStories
from roomtone.services.metering import UNMETERED, Unmetered
from roomtone.services.roster import CURSOR
from roomtone.services.shelves import ComparingShelf, KeptShelf, SessionChange, Shelf, body_of
from roomtone.services.strips import strip_of
from roomtone.services.thresholds import thresholds_of
from roomtone.services.words import session_subject
from roomtone.settings import Scale

KEPT_STATES = 64
"""Peers of a session whose folded states are kept between the two passes; others fold twice."""

log = structlog.get_logger()


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


class _Whole(Struct, frozen=True):
    """What a peer's report needs of the whole session."""

    session: Session | None
    others: Mapping[str, ProducerTrace]
    heard: Heard
    pauses: Mapping[str, Pauses]
    thresholds: Thresholds
    kept: Mapping[bytes, _Folded]


class Sealer:
    """Makes reports, live or for good."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        clock: Clock,
        reading_ms: int,
        scale: Scale,
        outbox: Outbox | None = None,
        meter: Unmetered = UNMETERED,
    ) -> None:
        """``outbox``: who is told of a sealed session; None: nobody."""
        self._meter = meter
        self._outbox = outbox
        self._journal = journal
        self._records = records
        self._clock = clock
        self._reading_ms = reading_ms
        self._scale = scale
        self._shelf = KeptShelf(records, clock)
        self._model = f"{FOLD_MODEL}+{MODELS[scale]}"
        self._stories = LiveStories(self._live_story, clock)

    async def live_report(self, peer: Peer) -> PeerReport:
        """The report of a peer as far as its journal goes now."""
        session, peers = await self._records.read(lambda tx: _of(tx, peer.session_id))
        if session is not None and session.trimmed_at is not None:
            raise NotFound("The report of this peer is no longer kept.")
        whole = await self._whole(session, peers)
        folded = whole.kept.get(peer.subject) or await self._folded(peer, session)
        report, _ = await asyncio.to_thread(self._built, peer, folded, whole)
        story = await self._stories.story(peer.session_id)
        report.findings, report.findings_model = story.of(peer.peer_id), story.model
        return report

    async def live_reports(self, session_id: str) -> list[tuple[Peer, PeerReport]]:
        """The reports of everybody in a session, each journal folded once. Raises NotFound."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is not None and session.trimmed_at is not None:
            raise NotFound("The reports of this session are no longer kept.")
        whole = await self._whole(session, peers)
        story = await self._stories.story(session_id)
        made = []
        for peer in peers:
            folded = whole.kept.get(peer.subject) or await self._folded(peer, session)
            report, _ = await asyncio.to_thread(self._built, peer, folded, whole)
            report.findings, report.findings_model = story.of(peer.peer_id), story.model
            made.append((peer, report))
        return made

    async def live_story(self, session_id: str) -> Story:
        """The findings and the verdict of a session that is not sealed, some seconds old at most
        (a large session's: some more)."""
        return await self._stories.story(session_id)

    async def _live_story(self, session_id: str) -> Story:
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        whole = await self._whole(session, peers)
        noticed: list[Noticed] = []
        for peer in peers:
            folded = whole.kept.get(peer.subject) or await self._folded(peer, session)
            noticed.append((await asyncio.to_thread(self._built, peer, folded, whole))[1])
        return await asyncio.to_thread(story, noticed, whole.thresholds)

    async def live_talk(self, session: Session, peers: Sequence[Peer]) -> dict[bytes, TalkTime]:
        """How long each of these peers, all of one session, talked as far as its journal goes."""
        if session.trimmed_at is not None:
            return {}
        states = {peer.subject: await self._folded(peer, session) for peer in peers}
        told = together(map(_heard, states.values()))
        now = self._clock.now()
        talks = {
            peer.subject: talk_time(
                states[peer.subject].state.talk, peer.peer_id, told, peer.duration_ms(now)
            )
            for peer in peers
        }
        return {subject: talk for subject, talk in talks.items() if talk is not None}

    async def seal(self, session_id: str) -> Outcome | None:
        """Store the reports of an ENDED session; None if it is not (or no longer) ENDED."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED:
            return None
        through = self._records.peek(lambda tx: tx.cursor(CURSOR))
        # Once the journal was erased there is nothing to fold: the stored reports stand.
        if session.trimmed_at:
            changed = 0
            await digest_stored(self._records, session, _counted(peers))
        else:
            changed = await self._store(session, peers, self._shelf)

        def finish(tx: Transaction) -> bool:
            now = tx.sessions.session_by_id(session_id)
            if now is None or now.updated_at != session.updated_at:
                return False  # facts came in meanwhile: it stays unsealed, and comes up again
            sealed = replace(now, sealed_at=self._clock.now())
            tx.sessions.put_session(sealed)
            if self._outbox is not None:
                self._outbox.sealed(tx, sealed)
            return True

        if await self._records.write(finish):
            everybody = await self._records.read(lambda tx: tx.sessions.peers(session_id))
            for subject in (session_subject(session).key, *(peer.subject for peer in everybody)):
                await self._journal.pack(subject, through)
            self._meter.sealed(*self._records.peek(lambda tx: _made(tx, session_id)))
        return Outcome(session_id, len(peers), changed)

    async def rebuild(self, session_id: str) -> Outcome | None:
        """Replay the journal of an ENDED session into fresh reports; replace those that differ."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED:
            return None
        if session.trimmed_at is not None:
            await digest_stored(self._records, session, _counted(peers))
            return None
        return Outcome(session_id, len(peers), await self._store(session, peers, self._shelf))

    async def compare(self, session_id: str) -> SessionChange | None:
        """What ``rebuild`` would change of an ENDED session; None where there is nothing to replay
        any more. Writes nothing."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED or session.trimmed_at is not None:
            return None
        shelf = ComparingShelf(self._records)
        await self._store(session, peers, shelf)
        return await shelf.change(session_id)

    async def _store(self, session: Session, peers: Sequence[Peer], shelf: Shelf) -> int:
        """Fold every peer's report onto a shelf; how many differ from the stored ones."""
        whole = await self._whole(session, peers)
        reports: dict[bytes, PeerReport] = {}
        noticed: list[Noticed] = []
        for peer in peers:
            folded = whole.kept.get(peer.subject) or await self._folded(peer, session)
            report, at_peer = await asyncio.to_thread(self._built, peer, folded, whole)
            noticed.append(at_peer)
            if peer.subject in whole.kept:
                reports[peer.subject] = report
        told = await asyncio.to_thread(story, noticed, whole.thresholds)
        of_peer = told.by_peer()
        changed = 0
        figures: list[PeerFigures] = []
        strip = strip_of(session)
        for peer in peers:
            if peer.subject in reports:
                made = reports.pop(peer.subject)
            else:
                folded = await self._folded(peer, session)
                made, _ = await asyncio.to_thread(self._built, peer, folded, whole)
            made.findings = of_peer.get(peer.peer_id, [])
            made.findings_model = told.model
            body = await asyncio.to_thread(body_of, made)
            if peer.counts:
                figures.append(figures_of(made))
                await asyncio.to_thread(strip.add, made)
            changed += await shelf.put_report(peer, made, body, f"{self._model}+{told.model}")
        await shelf.put_digest(digest_of(session, figures, told, strip))
        return changed

    async def _whole(self, session: Session | None, peers: Sequence[Peer]) -> _Whole:
        """Fold every peer once, and keep what the others' reports need of it."""
        others: dict[str, ProducerTrace] = {}
        said: list[Heard] = []
        pauses: dict[str, Pauses] = {}
        kept: dict[bytes, _Folded] = {}
        for peer in peers:
            folded = await self._folded(peer, session)
            others |= _traces(folded)
            said.append(_heard(folded))
            pauses[peer.peer_id] = pauses_of(folded.state.events, clock_offset(folded.presence))
            if len(kept) < KEPT_STATES:
                kept[peer.subject] = folded
        app_id = None if session is None else session.app_id
        thresholds = (
            Thresholds.of(None)
            if app_id is None
            else await self._records.read(lambda tx: thresholds_of(tx, app_id))
        )
        return _Whole(session, others, together(said), pauses, thresholds, kept)

    async def _folded(self, peer: Peer, session: Session | None) -> _Folded:
        chunks = await self._journal.read(peer.subject)
        return await asyncio.to_thread(self._fold, peer, session, chunks)

    def _fold(self, peer: Peer, session: Session | None, chunks: Sequence[Chunk]) -> _Folded:
        state = fold(new_state(self._reading_ms), [_identity(peer, session)])
        state = fold(state, in_order((chunk.t_min, chunk.facts) for chunk in chunks))
        return _Folded(state, _presence(chunks))

    def _built(self, peer: Peer, folded: _Folded, whole: _Whole) -> tuple[PeerReport, Noticed]:
        """The report, still without findings, and what was noticed at the peer."""
        session = whole.session
        there = _stay(peer, folded.presence)
        if there.left_at is None and session is not None and session.status == ENDED:
            there = replace(there, left_at=peer.left_at or session.ended_at)
        report, seen = build_observed(
            folded.state,
            there,
            whole.others,
            clock_offset_ms=clock_offset(folded.presence),
            scale=self._scale,
            heard=whole.heard,
        )
        if peer.decided is not None:
            report.decided_by = peer.decided
        if peer.attempted:
            report.status = ATTEMPTED
        return report, notice(seen, whole.pauses, whole.thresholds)


def _traces(folded: _Folded) -> dict[str, ProducerTrace]:
    return traces(folded.state, clock_offset_ms=clock_offset(folded.presence))


def _heard(folded: _Folded) -> Heard:
    return heard(folded.state.talk, folded.presence.last_t or 0)


def _presence(chunks: Sequence[Chunk]) -> Presence:
    """What all chunks of a peer say together."""
    whole = Presence()
    for chunk in chunks:
        whole = merge(whole, chunk.presence)
    return whole


def _made(tx: Transaction, session_id: str) -> tuple[Session | None, Digest | None]:
    return tx.sessions.session_by_id(session_id), tx.digests.digest(session_id)


def _of(tx: Transaction, session_id: str) -> tuple[Session | None, list[Peer]]:
    """A peer that turned out to be another has no report of its own; an attempt has one."""
    peers = [peer for peer in tx.sessions.peers(session_id) if not peer.merged_into]
    return tx.sessions.session_by_id(session_id), peers


def _counted(peers: Sequence[Peer]) -> list[Peer]:
    return [peer for peer in peers if peer.counts]


def _stay(peer: Peer, presence: Presence) -> Stay:
    """As the journal tells it; where several sources do, as it was settled between them."""
    there = stay(presence)
    if peer.decided is not None:
        return Stay(
            joined_at=peer.joined_at,
            left_at=peer.left_at,
            left_reason=peer.left_reason,
            joins=there.joins if there is not None else (peer.joined_at,),
            leaves=there.leaves if there is not None else (),
            last_sign_at=max(peer.joined_at, peer.last_sign_at),
        )
    if there is None:
        raise AssertionError(f"peer {peer.peer_id} has a row but never joined")
    return there


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
