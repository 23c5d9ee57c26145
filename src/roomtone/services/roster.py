"""Roster: presence facts move the rows of sessions and peers, at once.

It follows the journal by a cursor that moves in the same transaction as the rows, so a crash
between *append* and here loses nothing: the next tick goes on where the rows stand. Applying an
entry twice changes nothing, since presence merges.
"""

import asyncio
import time
from collections.abc import Collection

import structlog

from roomtone.model.facts import Left
from roomtone.model.presence import Presence, merge
from roomtone.model.sessions import CLIENT, Peer, Session
from roomtone.model.subjects import Subject, room_subject
from roomtone.model.times import AHEAD_MS, NEVER
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Batch, Entry, Journal
from roomtone.ports.records import Records, Transaction
from roomtone.services.gatherings import Gatherings
from roomtone.services.holding import close_when_empty, end_by_host
from roomtone.services.hook_outbox import Outbox
from roomtone.services.moving import Presences, apply_moves, last_sign
from roomtone.services.steps import Steps

CURSOR = "roster"
ENTRIES_A_TICK = 200
"""Two milliseconds' work, during which no request is served."""
SILENT_A_SWEEP = 1_000
GATHER_S = 0.02
"""A nudge waits this long so that one transaction serves all the batches of a burst."""
TICK_S = 1.0
"""Signs of life can wait so long: told one by one they cost more than taking the batches in."""
SWEEP_S = 2.0
SERVERS_SILENCE_MS = 12 * 3600 * 1000
"""Servers tell of comings and goings, not of being there: only when one has said nothing of a peer
for so long was its leave lost. No call that is held by people goes on longer without news."""
VOUCH_STEP_MS = 15_000
"""A voucher is written only when it moves the last sign of life by so much, or by a sixth of the
silence that counts as having left, if that is less."""

log = structlog.get_logger()


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
        self._tick_s = TICK_S
        self._wake = asyncio.Event()
        self._steps = Steps(clock)
        self._patient_until: float | None = None
        self._stepped = False
        self._looks_ahead = True
        self._one_at_a_time = asyncio.Lock()
        self._gatherings = Gatherings()

    def follow_closely(self, tick_s: float) -> None:
        """Look so often: what other processes take in, nobody tells us of."""
        self._tick_s = tick_s

    def nudge(self) -> None:
        """Somebody came or went: move the rows at once."""
        self._wake.set()

    async def run(self) -> None:
        """Tick whenever nudged, and every second for mere signs of life; sweep; for ever."""
        loop = asyncio.get_running_loop()
        swept = loop.time()
        self._watch_clock()
        await self.catch_up()
        while True:
            try:
                async with asyncio.timeout(self._tick_s):
                    await self._wake.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            self._wake.clear()
            await self.catch_up()
            if loop.time() - swept >= SWEEP_S:
                await self.look_round()
                swept = loop.time()

    async def look_round(self) -> None:
        """Sweep, whatever was done to the machine's clock since the last time."""
        self._watch_clock()
        await self.sweep()
        await self._sweep_ahead()

    def _watch_clock(self) -> None:
        """After the clock was set, whoever is there gets as long to be heard of as anybody gets
        before they count as silent."""
        steady = time.monotonic()
        step = self._steps.look(steady)
        if step:
            hint = "Calls go on. Look at what sets this machine's clock if nobody meant to."
            log.warning("the clock was set", by_s=step / 1000, hint=hint)
            self._stepped = self._looks_ahead = True
        if step or self._patient_until is None:
            self._patient_until = steady + self._silence_ms / 1000

    def _is_patient(self) -> bool:
        return self._patient_until is None or time.monotonic() < self._patient_until

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
        presences, rooms = await self._whole(_merged(entries))
        deferred = {entry.subject.key for entry in entries if entry.deferred}
        through = entries[-1].position
        now = self._clock.now()

        def apply(tx: Transaction) -> list[Batch]:
            stands = tx.cursor(CURSOR)
            self._gatherings.begin(stands)
            if stands >= through:  # another process applied all of it meanwhile
                return []
            returned, moves = apply_moves(
                tx, presences, rooms, now, self._clock.new_id, self._vouch_step_ms, self._gatherings
            )
            self._outbox.moved(tx, *moves)
            for subject in deferred:
                tx.words.put_pending(subject, now)
            tx.set_cursor(CURSOR, through)
            return returned

        batches = await self._records.write(apply)
        self._gatherings.committed(through)
        new = await self._journal.append(batches) if batches else []
        return len(entries) == ENTRIES_A_TICK or any(new)

    async def _whole(self, presences: Presences) -> tuple[Presences, Presences]:
        """For peers without a row yet, the presence of their whole journal: what came before the
        join (clock, first entries) was passed over by earlier ticks. And what is known of the rooms
        that they may be in."""

        def unknown(tx: Transaction) -> list[Subject]:
            # What says nothing of presence (words of a server) makes nobody join.
            those = [one for one, told in presences.items() if told != Presence()]
            asked = {one.key: one for one in those if one.participant_id}
            known = tx.sessions.peers_by_subject(asked)
            return [subject for key, subject in asked.items() if key not in known]

        rooms: Presences = {}
        for subject in self._records.peek(unknown):
            presences[subject] = merge(presences[subject], await self._told(subject))
            room = room_subject(subject.app_id, subject.meeting_id)
            if room not in rooms:
                rooms[room] = await self._told(room)
        return presences, rooms

    async def _told(self, subject: Subject) -> Presence:
        """The presence of a whole journal."""
        whole = Presence()
        for chunk in await self._journal.read(subject.key):
            whole = merge(whole, chunk.presence)
        return whole

    async def sweep(self, told: Collection[bytes] = ()) -> None:
        """Notice the silent, and end the sessions whose keep-alive is over. ``told``: subjects that
        somebody told all of at once (an import): nothing more is waited for."""
        now = self._clock.now()
        before = now - self._silence_ms
        # Since the clock was set, times of before tell less than when a row was last moved.
        moved_before = before if self._stepped else NEVER
        waits = self._stepped and self._is_patient()

        def silent(tx: Transaction) -> list[tuple[Peer, Subject]]:
            found = []
            if not waits:
                found = tx.sessions.silent_peers(
                    before, SILENT_A_SWEEP, now - SERVERS_SILENCE_MS, moved_before=moved_before
                )
            known = {peer.subject for peer in found}
            rows = (tx.sessions.peer_by_subject(one) for one in told if one not in known)
            found += [peer for peer in rows if peer is not None and _is_silent(peer, before)]
            return [(peer, _subject(tx, peer)) for peer in found]

        await self._remove_silent(await self._records.read(silent))

        def close(tx: Transaction) -> None:
            for session in close_when_empty(tx, now):
                self._outbox.ended(tx, session)

        await self._records.write(close)

    async def _sweep_ahead(self) -> None:
        """Notice who fell silent before the clock was set back, or since: by their rows they will
        be there until it has caught up. Also of an earlier process' time."""
        if not self._looks_ahead or self._is_patient():
            return
        now = self._clock.now()
        ahead, before = now + AHEAD_MS, now - self._silence_ms

        def silent(tx: Transaction) -> tuple[bool, list[tuple[Peer, Subject]]]:
            found = tx.sessions.peers_ahead(ahead, SILENT_A_SWEEP)
            over = [peer for peer in found if not before <= peer.updated_at <= ahead]
            return bool(found), [(peer, _subject(tx, peer)) for peer in over]

        self._looks_ahead, gone = await self._records.read(silent)
        await self._remove_silent(gone)

    async def _remove_silent(self, silent: list[tuple[Peer, Subject]]) -> None:
        batches = [_removal(subject, last_sign(peer), "silence") for peer, subject in silent]
        if batches:
            await self._journal.append(batches)
            log.info("peers fell silent", count=len(batches))
            await self.catch_up()

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
            peers = tx.sessions.peers(session.id)
            connected = [peer for peer in peers if peer.left_at is None and peer.counts]
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


def _subject(tx: Transaction, peer: Peer) -> Subject:
    session = tx.sessions.session(peer.app_id, peer.session_id)
    meeting_id = "" if session is None else session.meeting_id
    return Subject(peer.app_id, meeting_id, peer.user_id, peer.peer_id)


def _is_silent(peer: Peer, before: int) -> bool:
    there = peer.left_at is None and peer.counts and peer.origin == CLIENT
    return there and last_sign(peer) < before


def _removal(subject: Subject, t: int, reason: str) -> Batch:
    return Batch(
        subject=subject,
        key=f"r:{reason}:{t}",
        received_at=None,
        facts=(Left(t, reason),),
        presence=Presence(removed=((t, reason),)),
    )
