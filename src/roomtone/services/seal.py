"""Seal: fold each peer of a finished session once, and store the reports for good.

A session is sealed as a whole, when it has ended, because a received stream's score needs the
sender's leg of the way too. While a session is LIVE the same fold runs over the journal so far.
A report depends on the journal and the rows alone, never on when it was made: replay gives the same
bytes (law 9).
"""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.findings.session import Noticed, Story, notice, story
from roomtone.model.attendance import TalkTime
from roomtone.model.digests import Digest, PeerFigures
from roomtone.model.errors import NotFound
from roomtone.model.peer_report import PeerReport
from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Journal
from roomtone.ports.records import Records, Transaction
from roomtone.report.build import FOLD_MODEL, MODELS, build_observed
from roomtone.report.observed import Observed
from roomtone.report.stay import ATTEMPTED, Stay, clock_offset, stay
from roomtone.report.talk import talk_time, together
from roomtone.services.digesting import digest_of, digest_stored, figures_of
from roomtone.services.folding import Folded, Folder, Whole
from roomtone.services.hook_outbox import Outbox
from roomtone.services.live_stories import Live, LiveStories
from roomtone.services.metering import UNMETERED, Unmetered
from roomtone.services.roster import CURSOR
from roomtone.services.shelves import ComparingShelf, KeptShelf, SessionChange, Shelf, body_of
from roomtone.services.strips import strip_of
from roomtone.services.words import session_subject
from roomtone.settings import Scale

LARGE = 64
"""From so many peers on, the report of one of a LIVE session is made without folding all others."""

log = structlog.get_logger()


class Outcome(Struct, frozen=True):
    """What sealing (or rebuilding) a session did."""

    session_id: str
    peers: int
    changed: int
    """Reports whose bytes differ from those that were stored."""


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
        self._folder = Folder(journal, records, reading_ms)
        self._scale = scale
        self._shelf = KeptShelf(records, clock)
        self._model = f"{FOLD_MODEL}+{MODELS[scale]}"
        self._stories = LiveStories(self._live_story, clock)

    async def live_report(self, peer: Peer) -> PeerReport:
        """The report of a peer as far as its journal goes now. In a large session, findings and
        who was heard are some time old (:mod:`roomtone.services.live_stories`)."""
        session, count = await self._records.read(lambda tx: _sized(tx, peer.session_id))
        if session is not None and session.trimmed_at is not None:
            raise NotFound("The report of this peer is no longer kept.")
        if count < LARGE:
            _, peers = await self._records.read(lambda tx: _of(tx, peer.session_id))
            whole = await self._folder.whole(session, peers)
            folded = await self._folded(peer, whole)
            live = await self._stories.live(peer.session_id)
        else:
            live = await self._stories.live(peer.session_id)
            folded = await self._folder.folded(peer, session)
            whole = await self._folder.around(folded, session, live.backdrop)
        report, _ = await asyncio.to_thread(self._report, peer, folded, whole)
        report.findings, report.findings_model = live.story.of(peer.peer_id), live.story.model
        return report

    async def live_reports(self, session_id: str) -> list[tuple[Peer, PeerReport]]:
        """The reports of everybody in a session, each journal folded once. Raises NotFound."""
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is not None and session.trimmed_at is not None:
            raise NotFound("The reports of this session are no longer kept.")
        whole = await self._folder.whole(session, peers)
        made: list[tuple[Peer, PeerReport]] = []
        noticed: list[Noticed] = []
        for peer in peers:
            folded = await self._folded(peer, whole)
            report, at_peer = await asyncio.to_thread(self._built, peer, folded, whole)
            made.append((peer, report))
            noticed.append(at_peer)
        told = await asyncio.to_thread(story, noticed, whole.thresholds)
        of_peer = told.by_peer()
        for peer, report in made:
            report.findings, report.findings_model = of_peer.get(peer.peer_id, []), told.model
        return made

    async def live_story(self, session_id: str) -> Story:
        """The findings and the verdict of a session that is not sealed, some seconds old at most
        (a large session's: some more)."""
        return (await self._stories.live(session_id)).story

    async def _live_story(self, session_id: str) -> Live:
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        whole = await self._folder.whole(session, peers)
        noticed: list[Noticed] = []
        for peer in peers:
            folded = await self._folded(peer, whole)
            noticed.append((await asyncio.to_thread(self._built, peer, folded, whole))[1])
        told = await asyncio.to_thread(story, noticed, whole.thresholds)
        return Live(told, whole.backdrop)

    async def live_talk(self, session: Session, peers: Sequence[Peer]) -> dict[bytes, TalkTime]:
        """How long each of these peers, all of one session, talked as far as its journal goes."""
        if session.trimmed_at is not None:
            return {}
        states = {peer.subject: await self._folder.folded(peer, session) for peer in peers}
        told = together(one.heard() for one in states.values())
        now = self._clock.now()
        talks = {
            peer.subject: talk_time(
                states[peer.subject].state.talk, peer.peer_id, told, peer.duration_ms(now)
            )
            for peer in peers
        }
        return {subject: talk for subject, talk in talks.items() if talk is not None}

    async def seal(self, session_id: str, as_of: int | None = None) -> Outcome | None:
        """Store the reports of an ENDED session; None if it is not (or no longer) ENDED.

        ``as_of``: its ``updated_at`` when somebody found it due. If it moved on since, it is or was
        due again, and None: who waited for long in a queue finds many of these.
        """
        session, peers = await self._records.read(lambda tx: _of(tx, session_id))
        if session is None or session.status != ENDED:
            return None
        if as_of is not None and session.updated_at != as_of:
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
        whole = await self._folder.whole(session, peers)
        reports: dict[bytes, PeerReport] = {}
        noticed: list[Noticed] = []
        for peer in peers:
            folded = await self._folded(peer, whole)
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
                folded = await self._folder.folded(peer, session)
                made, _ = await asyncio.to_thread(self._report, peer, folded, whole)
            made.findings = of_peer.get(peer.peer_id, [])
            made.findings_model = told.model
            body = await asyncio.to_thread(body_of, made)
            if peer.counts:
                figures.append(figures_of(made))
                await asyncio.to_thread(strip.add, made)
            changed += await shelf.put_report(peer, made, body, f"{self._model}+{told.model}")
        await shelf.put_digest(digest_of(session, figures, told, strip))
        return changed

    async def _folded(self, peer: Peer, whole: Whole) -> Folded:
        return whole.kept.get(peer.subject) or await self._folder.folded(peer, whole.session)

    def _built(self, peer: Peer, folded: Folded, whole: Whole) -> tuple[PeerReport, Noticed]:
        """The report, still without findings, and what was noticed at the peer."""
        report, seen = self._report(peer, folded, whole)
        return report, notice(seen, whole.pauses, whole.thresholds)

    def _report(self, peer: Peer, folded: Folded, whole: Whole) -> tuple[PeerReport, Observed]:
        """The report, still without findings, and what it was made of."""
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
            heard=whole.backdrop.heard,
        )
        if peer.decided is not None:
            report.decided_by = peer.decided
        if peer.attempted:
            report.status = ATTEMPTED
        return report, seen


def _made(tx: Transaction, session_id: str) -> tuple[Session | None, Digest | None]:
    return tx.sessions.session_by_id(session_id), tx.digests.digest(session_id)


def _of(tx: Transaction, session_id: str) -> tuple[Session | None, list[Peer]]:
    """A peer that turned out to be another has no report of its own; an attempt has one."""
    peers = [peer for peer in tx.sessions.peers(session_id) if not peer.merged_into]
    return tx.sessions.session_by_id(session_id), peers


def _sized(tx: Transaction, session_id: str) -> tuple[Session | None, int]:
    """A session, and how many rows it has."""
    return tx.sessions.session_by_id(session_id), tx.sessions.count_peers(session_id)


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
