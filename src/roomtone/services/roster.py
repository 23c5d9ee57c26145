"""Roster: presence facts move the rows of sessions and peers, at once.

It follows the journal by a cursor that moves in the same transaction as the rows, so a crash
between *append* and here loses nothing: the next tick goes on where the rows stand. Applying an
entry twice changes nothing, since presence merges.
"""

import asyncio
from collections import defaultdict

import structlog
from msgspec.structs import replace

from roomtone.model.facts import Left, Vouched
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import Peer, Session
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Entry, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.report.stay import Stay, clock_offset, stay
from roomtone.services.holding import (
    NewId,
    close_when_empty,
    end_by_host,
    recount,
    session_for,
)
from roomtone.services.hook_outbox import Moves, Outbox, PeerMove

CURSOR = "roster"
ENTRIES_A_TICK = 200
"""Two milliseconds' work, during which no request is served."""
SILENT_A_SWEEP = 1_000
GATHER_S = 0.02
"""A nudge waits this long so that one transaction serves all the batches of a burst."""
TICK_S = 1.0
"""Signs of life can wait so long: told one by one they cost more than taking the batches in."""
SWEEP_S = 2.0
VOUCH_STEP_MS = 15_000
"""A voucher is written only when it moves the last sign of life by so much, or by a sixth of the
silence that counts as having left, if that is less."""

log = structlog.get_logger()

Presences = dict[Subject, Presence]


class Roster:
    """The loop that keeps who-is-where true."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        clock: Clock,
        silence_s: int,
        outbox: Outbox | None = None,
    ) -> None:
        self._journal = journal
        self._records = records
        self._clock = clock
        self._silence_ms = silence_s * 1000
        self._outbox = outbox or Outbox(clock)
        self._vouch_step_ms = min(VOUCH_STEP_MS, self._silence_ms // 6)
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def nudge(self) -> None:
        """Somebody came or went: move the rows at once."""
        self._wake.set()

    async def run(self) -> None:
        """Tick whenever nudged, and every second for mere signs of life; sweep; for ever."""
        loop = asyncio.get_running_loop()
        swept = loop.time()
        await self.catch_up()
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            self._wake.clear()
            await self.catch_up()
            if loop.time() - swept >= SWEEP_S:
                await self.sweep()
                swept = loop.time()

    async def catch_up(self) -> None:
        """Apply everything that was appended until now (what comes meanwhile can wait)."""
        async with self._one_at_a_time:
            while await self._tick():
                pass

    async def _tick(self) -> bool:
        """Apply one handful of entries; whether there were more when they were read."""
        after = self._records.peek(lambda tx: tx.cursor(CURSOR))
        entries = await self._journal.tail(after, ENTRIES_A_TICK)
        if not entries:
            return False
        presences = await self._whole(_merged(entries))
        through = entries[-1].position
        now = self._clock.now()

        def apply(tx: Transaction) -> list[Batch]:
            returned, moves = _apply(tx, presences, now, self._clock.new_id, self._vouch_step_ms)
            self._outbox.moved(tx, *moves)
            # Another process may have gone further meanwhile: a cursor only moves on.
            if through > tx.cursor(CURSOR):
                tx.set_cursor(CURSOR, through)
            return returned

        vouched = await self._records.write(apply)
        if vouched:
            await self._journal.append(vouched)
        return len(entries) == ENTRIES_A_TICK

    async def _whole(self, presences: Presences) -> Presences:
        """For peers without a row yet, the presence of their whole journal: what came before the
        join (clock, first entries) was passed over by earlier ticks."""

        def unknown(tx: Transaction) -> list[Subject]:
            return [
                subject
                for subject, presence in presences.items()
                # What says nothing of presence (words of a server) makes nobody join.
                if presence != Presence() and tx.sessions.peer_by_subject(subject.key) is None
            ]

        for subject in self._records.peek(unknown):
            for chunk in await self._journal.read(subject.key):
                presences[subject] = merge(presences[subject], chunk.presence)
        return presences

    async def sweep(self) -> None:
        """Notice the silent, and end the sessions whose keep-alive is over."""
        now = self._clock.now()
        silent = await self._records.read(
            lambda tx: [
                (peer, _subject(tx, peer))
                for peer in tx.sessions.silent_peers(now - self._silence_ms, SILENT_A_SWEEP)
            ]
        )
        batches = [_removal(subject, _last_sign(peer), "silence") for peer, subject in silent]
        if batches:
            await self._journal.append(batches)
            log.info("peers fell silent", count=len(batches))
            await self.catch_up()

        def close(tx: Transaction) -> None:
            for session in close_when_empty(tx, now):
                self._outbox.ended(tx, session)

        await self._records.write(close)

    async def remove(self, peers: list[tuple[Peer, Subject]], reason: str) -> None:
        """Append that these peers were removed now, and let the rows show it."""
        now = self._clock.now()
        await self._journal.append([_removal(subject, now, reason) for _, subject in peers])
        await self.catch_up()

    async def kick(
        self, app_id: str, meeting_id: str, participant_ids: list[str], custom_ids: list[str]
    ) -> list[str] | None:
        """Remove these people from the live session; their user ids. None: no live session."""
        found = await self._live(app_id, meeting_id)
        if found is None:
            return None
        wanted = [
            (peer, subject)
            for peer, subject in found[1]
            if peer.user_id in participant_ids
            or peer.peer_id in participant_ids
            or peer.custom_participant_id in custom_ids
        ]
        await self.remove(wanted, "kicked")
        return sorted({peer.user_id for peer, _ in wanted})

    async def kick_all(self, app_id: str, meeting_id: str) -> int | None:
        """Remove everybody and end the live session; how many. None: no live session."""
        found = await self._live(app_id, meeting_id)
        if found is None:
            return None
        session, peers = found
        await self.remove(peers, "host_ended")
        now = self._clock.now()

        def end(tx: Transaction) -> None:
            over = end_by_host(tx, session.id, now)
            if over is not None:
                self._outbox.ended(tx, over)

        await self._records.write(end)
        return len({peer.user_id for peer, _ in peers})

    async def _live(
        self, app_id: str, meeting_id: str
    ) -> tuple[Session, list[tuple[Peer, Subject]]] | None:
        await self.catch_up()

        def ask(tx: Transaction) -> tuple[Session, list[tuple[Peer, Subject]]] | None:
            session = tx.sessions.live_session(meeting_id)
            if session is None or session.app_id != app_id:
                return None
            connected = [p for p in tx.sessions.peers(session.id) if p.left_at is None]
            return session, [(peer, _subject(tx, peer)) for peer in connected]

        return await self._records.read(ask)


def _merged(entries: list[Entry]) -> Presences:
    presences: Presences = {}
    for entry in entries:
        before = presences.get(entry.subject)
        presences[entry.subject] = (
            entry.presence if before is None else merge(before, entry.presence)
        )
    return presences


def _apply(
    tx: Transaction, presences: Presences, now: int, new_id: NewId, vouch_step_ms: int
) -> tuple[list[Batch], Moves]:
    """Move the rows; the facts that un-silence peers that others still receive, and the moves."""
    touched: dict[str, None] = {}
    moves: list[PeerMove] = []
    vouchers: dict[tuple[str, str], int] = defaultdict(int)
    for subject, presence in presences.items():
        peer = _moved(tx, subject, presence, now, new_id)
        if peer is None:
            continue
        before = tx.sessions.peer_by_subject(peer.subject)
        tx.sessions.put_peer(peer)
        # Whatever comes of a peer that has left may belong to a sealed report.
        if before is None or _span(before) != _span(peer) or peer.left_at is not None:
            touched[peer.session_id] = None
            moves.append((before, peer))
        offset = clock_offset(peer.presence)
        for heard, t in presence.heard:
            pair = (peer.session_id, heard)
            vouchers[pair] = max(vouchers[pair], t + offset)
    returned = [
        batch
        for (session_id, peer_id), t in vouchers.items()
        if (batch := _vouch(tx, session_id, peer_id, t, vouch_step_ms)) is not None
    ]
    recounted = [recount(tx, session_id, now) for session_id in touched]
    return returned, ([move for move in recounted if move is not None], moves)


def _moved(
    tx: Transaction, subject: Subject, presence: Presence, now: int, new_id: NewId
) -> Peer | None:
    """The peer's row with this presence merged in; None while it has not joined, or may not."""
    known = tx.sessions.peer_by_subject(subject.key)
    whole = presence if known is None else merge(known.presence, presence)
    there = stay(whole)
    if there is None:
        return None
    peer = known or _new_peer(tx, subject, whole, there, now, new_id)
    if peer is None:
        return None
    return replace(
        peer,
        presence=whole,
        joined_at=there.joined_at,
        left_at=there.left_at,
        left_reason=there.left_reason,
        last_sign_at=there.last_sign_at,
        updated_at=now,
    )


def _new_peer(
    tx: Transaction,
    subject: Subject,
    presence: Presence,
    there: Stay,
    now: int,
    new_id: NewId,
) -> Peer | None:
    taken = tx.sessions.peer(subject.app_id, subject.peer_id)
    participant = tx.rooms.participant(subject.app_id, subject.participant_id)
    meeting = tx.rooms.meeting(subject.app_id, subject.meeting_id)
    if taken is not None or participant is None or meeting is None:
        log.warning("a peer has no place", peer_id=subject.peer_id, taken=taken is not None)
        return None
    return Peer(
        subject=subject.key,
        app_id=subject.app_id,
        session_id=session_for(tx, meeting, there.joined_at, now, new_id),
        peer_id=subject.peer_id,
        user_id=participant.id,
        custom_participant_id=participant.custom_participant_id,
        display_name=participant.name or "",
        preset_name=participant.preset_name,
        picture=participant.picture,
        joined_at=there.joined_at,
        last_sign_at=there.last_sign_at,
        presence=presence,
        created_at=there.joined_at,
        updated_at=now,
    )


def _span(peer: Peer) -> tuple[int, int | None]:
    return peer.joined_at, peer.left_at


def _last_sign(peer: Peer) -> int:
    return max(peer.last_sign_at, peer.vouched_at or 0)


def _subject(tx: Transaction, peer: Peer) -> Subject:
    session = tx.sessions.session(peer.app_id, peer.session_id)
    meeting_id = "" if session is None else session.meeting_id
    return Subject(peer.app_id, meeting_id, peer.user_id, peer.peer_id)


def _removal(subject: Subject, t: int, reason: str) -> Batch:
    return Batch(
        subject=subject,
        key=f"r:{reason}:{t}",
        received_at=None,
        facts=(Left(t, reason),),
        presence=Presence(removed=((t, reason),)),
    )


def _vouch(tx: Transaction, session_id: str, peer_id: str, t: int, step_ms: int) -> Batch | None:
    """Note that others receive a peer; if it counts as silent, the fact that brings it back."""
    session = tx.sessions.session_by_id(session_id)
    peer = None if session is None else tx.sessions.peer(session.app_id, peer_id)
    if session is None or peer is None or peer.session_id != session_id:
        return None
    if peer.left_at is not None:
        if peer.left_reason != "silence" or t <= peer.left_at:
            return None
        subject = Subject(peer.app_id, session.meeting_id, peer.user_id, peer.peer_id)
        return Batch(
            subject=subject,
            key=f"v:{t}",
            received_at=None,
            facts=(Vouched(t),),
            presence=Presence(vouched_t=t),
        )
    if t - _last_sign(peer) >= step_ms:
        tx.sessions.put_peer(replace(peer, vouched_at=t))
    return None
