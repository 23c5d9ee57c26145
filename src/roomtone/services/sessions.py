"""Sessions, as they are read: lists, details, participants, peer reports.

Nothing here changes a row; the roster does that.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol
from zlib import decompress

from msgspec import Struct

from roomtone.model.digests import Headline
from roomtone.model.errors import NotFound
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.peer_report import PeerReport
from roomtone.model.sessions import Peer, Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import (
    Page,
    PeerFilter,
    Records,
    SessionFilter,
    StoredReport,
    Transaction,
)
from roomtone.services.attendance import Person, people
from roomtone.services.presets import view_type_of
from roomtone.services.remembered import Remembered

NO_SUCH_SESSION = "No such session."
NO_SUCH_PEER = "No such participant in this session."
NO_SUCH_REPORT = "No such peer."
NO_PREVIOUS_REPORT = "No earlier version of this peer's report is kept."

MAX_BREAKOUT_DEPTH = 8
"""Breakout rooms of breakout rooms; nobody nests deeper, and a loop ends here."""

MAX_HELD = 128
"""Sealed reports kept as they are; an hour's call is about 100 KB."""

GZIP_WINDOW = 31
"""Window bits that make zlib read a gzip header."""
PLAIN_BYTES = 16 * 1024 * 1024
"""Inflated reports kept in memory; an hour's call is a few hundred KB."""


class Told(Protocol):
    """What was found out about a session: its digest, or its story up to now."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def counts(self) -> FindingCounts: ...
    @property
    def model(self) -> str: ...


class Sealer(Protocol):
    """Folds the journal of a peer whose report is not stored."""

    async def live_report(self, peer: Peer) -> PeerReport: ...
    async def live_reports(self, session_id: str) -> list[tuple[Peer, PeerReport]]: ...
    async def live_story(self, session_id: str) -> Told: ...


class Tree(Struct, frozen=True):
    """A session with its breakout rooms."""

    session: Session
    headline: Headline | None
    rooms: tuple["Tree", ...]


class Sessions:
    """The reading side."""

    def __init__(self, records: Records, clock: Clock, sealer: Sealer) -> None:
        self._records = records
        self._clock = clock
        self._sealer = sealer
        self._reports: Remembered[tuple[str, str], StoredReport] = Remembered(records, MAX_HELD)
        self._plain: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()

    async def find(
        self, asked: SessionFilter, page: Page
    ) -> tuple[list[Session], dict[str, Headline], int]:
        """A slice of an app's sessions, the headlines of their digests by session id, and how many
        sessions there are."""

        def ask(tx: Transaction) -> tuple[list[Session], dict[str, Headline], int]:
            found, total = tx.sessions.list_sessions(asked, page)
            sealed = [session.id for session in found if session.sealed_at is not None]
            return found, tx.digests.headlines(sealed), total

        return await self._records.read(ask)

    def headline(self, session: Session) -> Headline | None:
        """Of a session's digest."""
        return self._records.peek(lambda tx: tx.digests.headlines([session.id])).get(session.id)

    def get(self, app_id: str, session_id: str) -> Session:
        """Raises NotFound."""
        return self._records.peek(lambda tx: _session(tx, app_id, session_id))

    async def told(self, app_id: str, session_id: str) -> Told | None:
        """Findings and verdict: of a sealed session as they were stored, else up to now. None:
        it was sealed before there were findings, and is not rebuilt. Raises NotFound."""
        session = self.get(app_id, session_id)
        if session.sealed_at is None and session.trimmed_at is None:
            return await self._sealer.live_story(session_id)
        digest = await self._records.read(lambda tx: tx.digests.digest(session_id))
        return digest if digest is not None and digest.model else None

    async def tree(self, app_id: str, session_id: str) -> Tree:
        """A session and, recursively, its breakout rooms. Raises NotFound."""
        return await self._records.read(
            lambda tx: _tree(tx, _session(tx, app_id, session_id), MAX_BREAKOUT_DEPTH)
        )

    async def active(self, app_id: str, meeting_id: str) -> Session:
        """The LIVE session of a meeting. Raises NotFound."""

        def ask(tx: Transaction) -> Session:
            session = tx.sessions.live_session(meeting_id)
            if session is None or session.app_id != app_id:
                raise no_active_session(meeting_id)
            return session

        return await self._records.read(ask)

    async def peers(self, app_id: str, asked: PeerFilter, page: Page) -> tuple[list[Peer], int]:
        """A slice of the peers of a session, and how many there are. Raises NotFound."""
        now = self._clock.now()

        def ask(tx: Transaction) -> tuple[list[Peer], int]:
            _session(tx, app_id, asked.session_id)
            return tx.sessions.list_peers(asked, page, now)

        return await self._records.read(ask)

    async def people(self, app_id: str, asked: PeerFilter, page: Page) -> tuple[list[Person], int]:
        """A slice of the people of a session, and how many there are. Raises NotFound."""

        def ask(tx: Transaction) -> list[Person]:
            root = _tree(tx, _session(tx, app_id, asked.session_id), MAX_BREAKOUT_DEPTH)
            breakout = [peer for room in _below(root) for peer in _counted(tx, room.id)]
            return people(_counted(tx, asked.session_id), breakout)

        found = [one for one in await self._records.read(ask) if _matches(one, asked.search)]
        now = self._clock.now()
        by_duration = asked.sort_by == "duration"
        found.sort(
            key=lambda one: (
                one.duration_ms(now) if by_duration else one.joined_at,
                one.latest.peer_id,
            ),
            reverse=asked.descending,
        )
        return found[page.offset : page.offset + page.limit], len(found)

    async def peer_of(self, app_id: str, session_id: str, name: str) -> Peer:
        """The peer with this id; else the latest peer of this user id, or of this custom id.

        Raises NotFound.
        """

        def ask(tx: Transaction) -> Peer:
            _session(tx, app_id, session_id)
            peer = _peer(tx, app_id, name)
            if peer is not None and peer.session_id == session_id:
                return peer
            peers = _counted(tx, session_id)
            known = [peer for peer in peers if peer.user_id == name] or [
                peer for peer in peers if peer.custom_participant_id == name
            ]
            if not known:
                raise NotFound(NO_SUCH_PEER)
            return max(known, key=lambda peer: (peer.joined_at, peer.peer_id))

        return await self._records.read(ask)

    def peer(self, app_id: str, peer_id: str) -> Peer:
        """A peer of any session of the app; of one that turned out to be another, that one. Raises
        NotFound."""
        peer = self._records.peek(lambda tx: _peer(tx, app_id, peer_id))
        if peer is None:
            raise NotFound(NO_SUCH_REPORT)
        return peer

    async def stored_report(self, app_id: str, peer_id: str) -> StoredReport | None:
        """The sealed report, if there is one and it still holds."""
        key = (app_id, peer_id)
        found = self._reports.get(
            key, lambda tx: _followed(tx, app_id, peer_id, tx.reports.sealed_as_sent)
        )
        if found is None:
            # Unpacking takes its time, so that is done on a reader's thread.
            version = self._reports.version
            found = await self._records.read(
                lambda tx: _followed(tx, app_id, peer_id, tx.reports.sealed_report)
            )
            if found is not None:
                self._reports.note(key, found, version)
        return found

    async def previous_report(self, app_id: str, peer_id: str) -> StoredReport:
        """The report as it was before another model made it anew. Raises NotFound."""
        found = await self._records.read(lambda tx: tx.reports.previous_report(app_id, peer_id))
        if found is None:
            raise NotFound(NO_PREVIOUS_REPORT)
        return found

    def plain_body(self, report: StoredReport) -> bytes:
        """A sealed report's JSON for those who take no gzip; the latest few are remembered."""
        # A gzip stream ends with the CRC-32 of its content: a report sealed anew is another entry.
        key = (report.subject, report.body[-8:])
        body = self._plain.get(key)
        if body is None:
            body = self._plain[key] = decompress(report.body, GZIP_WINDOW)
            while sum(map(len, self._plain.values())) > PLAIN_BYTES and len(self._plain) > 1:
                self._plain.popitem(last=False)
        return body

    async def live_report(self, peer: Peer) -> PeerReport:
        """The report of a peer that is not sealed, folded from what is known up to now."""
        return await self._sealer.live_report(peer)

    async def live_reports(self, session_id: str) -> dict[bytes, PeerReport]:
        """Those of everybody in a session that is not sealed, by subject. Raises NotFound."""
        return {
            peer.subject: report for peer, report in await self._sealer.live_reports(session_id)
        }

    async def view_types(self, app_id: str, presets: set[str]) -> dict[str, str | None]:
        """The view type of each of these presets; None where it is not known any more."""
        return await self._records.read(
            lambda tx: {name: view_type_of(tx.rooms.preset_named(app_id, name)) for name in presets}
        )


def no_active_session(meeting_id: str) -> NotFound:
    """The vendor's own words (contract 1.10)."""
    return NotFound(f"No active session found for meeting_id {meeting_id}")


def _session(tx: Transaction, app_id: str, session_id: str) -> Session:
    session = tx.sessions.session(app_id, session_id)
    if session is None:
        raise NotFound(NO_SUCH_SESSION)
    return session


def _peer(tx: Transaction, app_id: str, peer_id: str) -> Peer | None:
    peer = tx.sessions.peer(app_id, peer_id)
    if peer is None or not peer.merged_into or peer.merged_into == peer_id:
        return peer
    return tx.sessions.peer(app_id, peer.merged_into) or peer


def _followed(
    tx: Transaction,
    app_id: str,
    peer_id: str,
    look: Callable[[str, str], StoredReport | None],
) -> StoredReport | None:
    """What is found of a peer, or else of the one that it turned out to be."""
    found = look(app_id, peer_id)
    peer = _peer(tx, app_id, peer_id) if found is None else None
    if peer is None or peer.peer_id == peer_id:
        return found
    return look(app_id, peer.peer_id)


def _counted(tx: Transaction, session_id: str) -> list[Peer]:
    return [peer for peer in tx.sessions.peers(session_id) if peer.counts]


def _tree(tx: Transaction, session: Session, depth: int) -> Tree:
    children = tx.sessions.child_sessions(session.id) if depth else []
    headline = tx.digests.headlines([session.id]).get(session.id)
    return Tree(session, headline, tuple(_tree(tx, child, depth - 1) for child in children))


def _below(tree: Tree) -> list[Session]:
    return [session for room in tree.rooms for session in (room.session, *_below(room))]


def _matches(person: Person, search: str | None) -> bool:
    if not search:
        return True
    wanted = search.casefold()
    return any(
        wanted in text.casefold()
        for peer in person.peers
        for text in (peer.peer_id, peer.custom_participant_id, peer.display_name)
    )
