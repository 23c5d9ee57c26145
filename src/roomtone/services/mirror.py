"""Mirror: what a RealtimeKit-shaped service keeps for a while, kept here for good.

What is mirrored stays as it came: the peer report is stored, not made, and no rebuild touches it,
for such a session counts as one whose journal is gone. A session is written piece by piece and is
whole when its row says the service's ``updated_at``; one that was cut off is done again, which
changes nothing. The cursor stands before the oldest session that may still change.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from roomtone.formats.chat_csv import HEADER, read_chat_csv
from roomtone.formats.messages import read_messages
from roomtone.formats.reading import read_transcript
from roomtone.model.artifacts import COMPLETED, SUMMARY, SummaryJob
from roomtone.model.errors import Refused
from roomtone.model.sessions import ENDED, Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.ports.vendor import JsonObject, Vendor
from roomtone.services.artifacts import Artifacts
from roomtone.services.digesting import digest_stored
from roomtone.services.mirrored import (
    VIA,
    peer_of,
    put_person,
    put_session,
    session_of,
    stored_report,
)
from roomtone.services.words import Taken, Words

LATE_MS = 24 * 3600 * 1000
"""How long after a session's end its words are looked for again: a summary takes a while."""
MARKDOWN = "markdown"

log = structlog.get_logger()


class Mirrored(Struct):
    """What a round did."""

    sessions: int = 0
    """Sessions that were taken in whole."""
    known: int = 0
    """Those that had been before."""
    live: int = 0
    """Those that go on: their turn comes when they have ended."""
    peers: int = 0
    reports: int = 0
    words: int = 0
    """Messages and segments that are new or other."""
    summaries: int = 0
    notes: list[str] = []
    """What could not be taken, and why."""


class Mirror:
    """Follows a service into one app of ours."""

    def __init__(self, records: Records, words: Words, artifacts: Artifacts, clock: Clock) -> None:
        self._records = records
        self._words = words
        self._artifacts = artifacts
        self._clock = clock

    async def follow(
        self,
        vendor: Vendor,
        app_id: str,
        source: str,
        since: int | None = None,
        told: Callable[[Mirrored], None] = lambda _: None,
    ) -> Mirrored:
        """One round: everything that is new or that may have changed. ``source`` names the service
        and its app, so that several can be followed. Raises Failed; what was done stays done."""
        cursor = f"mirror.{app_id}.{source}"
        reached = await self._records.read(lambda tx: tx.cursor(cursor))
        begin = max(reached, since or 0) or None
        done, open_from, page = Mirrored(), 1 << 62, 0
        seen: set[Any] = set()
        while True:
            page += 1
            found = await vendor.sessions(begin, page)
            news = [said for said in found if said.get("id") not in seen]
            if not news:  # the end, or a service that gives the same page again
                return done
            for said in news:
                seen.add(said.get("id"))
                started, settled = await self._take(vendor, app_id, said, done)
                if not settled:
                    open_from = min(open_from, started)
                reached = max(reached, min(started, open_from))
                await self._records.write(partial(_move, cursor, min(reached, open_from)))
                told(done)

    async def _take(
        self, vendor: Vendor, app_id: str, said: JsonObject, done: Mirrored
    ) -> tuple[int, bool]:
        """One session: (when it started, whether nothing of it can change any more)."""
        session = session_of(app_id, said, self._clock.now())
        if session is None:
            done.notes.append(f"session {said.get('id')!r}: it does not say what it is")
            return 0, True
        if session.status != ENDED:
            done.live += 1
            return session.started_at, False
        held = await self._records.read(lambda tx: tx.sessions.session_by_id(session.id))
        if held is not None and (held.app_id != app_id or held.trimmed_at is None):
            done.notes.append(f"session {session.id}: Roomtone has one of its own by this id")
            return session.started_at, True
        age = self._clock.now() - (session.ended_at or 0)
        whole = held is not None and held.updated_at == session.updated_at
        if whole:
            done.known += 1
        else:
            # One that is cut off here is not whole, whoever seals it.
            begun = replace(session, updated_at=session.updated_at - 1)
            await self._records.write(lambda tx: put_session(tx, begun))
            await self._take_peers(vendor, begun, done)
        if not whole or age < LATE_MS:
            await self._take_words(vendor, session, done)
        if not whole:
            await self._finish(session)
            done.sessions += 1
        return session.started_at, age >= LATE_MS

    async def _finish(self, session: Session) -> None:
        peers = await self._records.read(lambda tx: tx.sessions.peers(session.id))
        # A service that does not say how many people there were has said who they were.
        people = session.total_participants or len({peer.user_id for peer in peers})
        whole = replace(session, sealed_at=self._clock.now(), total_participants=people)

        def put(tx: Transaction) -> None:
            tx.digests.drop(session.id)
            tx.sessions.put_session(whole)

        await self._records.write(put)
        await digest_stored(self._records, whole, peers)

    # --- people ---------------------------------------------------------------------------------

    async def _take_peers(self, vendor: Vendor, session: Session, done: Mirrored) -> None:
        page, seen = 0, set[str]()
        while True:
            page += 1
            found = await vendor.participants(session.id, page)
            news = [said for said in found if said.get("id") not in seen]
            if not news:  # the end, or a service that gives the same page again
                break
            for said in news:
                seen.add(str(said.get("id")))
                await self._take_peer(vendor, session, said, done)

    async def _take_peer(
        self, vendor: Vendor, session: Session, said: JsonObject, done: Mirrored
    ) -> None:
        peer = peer_of(session, said)
        if peer is None:
            done.notes.append(f"session {session.id}: a participant does not say who it is")
            return
        held, report = await self._records.read(
            lambda tx: (
                tx.sessions.peer(session.app_id, peer.peer_id),
                tx.reports.report(session.app_id, peer.peer_id),
            )
        )
        if held is not None and held.session_id != session.id:
            done.notes.append(f"peer {peer.peer_id}: Roomtone has a record of its own of it")
            return
        if held is not None and held.updated_at == peer.updated_at and report is not None:
            return
        theirs = await vendor.report(peer.peer_id)
        stored = None if theirs is None else stored_report(peer, theirs, self._clock.now())

        def put(tx: Transaction) -> None:
            put_person(tx, session, peer, said)
            tx.sessions.put_peer(peer)
            if stored is not None:
                tx.reports.put_report(stored)

        await self._records.write(put)
        done.peers += 1
        done.reports += stored is not None

    # --- words ----------------------------------------------------------------------------------

    async def _take_words(self, vendor: Vendor, session: Session, done: Mirrored) -> None:
        taken = Taken()
        for kind, ask, put in (
            ("chat", vendor.chat, self._put_chat),
            ("transcript", vendor.transcript, self._put_transcript),
        ):
            body = await ask(session.id)
            if not body:
                continue
            try:
                taken += await put(session, body)
            except Refused as refused:
                done.notes.append(f"{kind} of session {session.id}: {refused.message}")
        done.words += taken.new + taken.changed
        if taken.new or taken.changed:
            await self._artifacts.publish(session.id)
        summary = await vendor.summary(session.id)
        if summary:
            done.summaries += await self._put_summary(session, summary)

    async def _put_chat(self, session: Session, body: bytes) -> Taken:
        text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
        is_csv = text.startswith(",".join(HEADER[:2]).encode())
        read = read_chat_csv(body) if is_csv else read_messages(body)
        return await self._words.put_messages(session, read)

    async def _put_transcript(self, session: Session, body: bytes) -> Taken:
        text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
        form = "JSON" if text[:1] in (b"[", b"{") else "CSV"
        return await self._words.put_segments(
            session, read_transcript(body, form, session.started_at)
        )

    async def _put_summary(self, session: Session, body: bytes) -> bool:
        """Whether it is new or other."""
        text = body.decode(errors="replace")
        held = await self._records.read(
            lambda tx: (
                tx.artifacts.summary_job(session.id),
                tx.artifacts.artifact(session.id, SUMMARY, MARKDOWN),
            )
        )
        job, artifact = held
        if job is not None and job.model != VIA:
            return False  # one was made here meanwhile
        if job is not None and artifact is not None and artifact.size == len(text.encode()):
            return False
        made = await self._artifacts.put_summary(session, MARKDOWN, text)
        now = self._clock.now()
        ours = SummaryJob(
            id=self._clock.new_id() if job is None else job.id,
            session_id=session.id,
            app_id=session.app_id,
            status=COMPLETED,
            model=VIA,
            requested_at=now,
            updated_at=now,
        )

        def put(tx: Transaction) -> None:
            tx.artifacts.put_artifact(made)
            tx.artifacts.put_summary_job(ours)

        await self._records.write(put)
        return True


def _move(cursor: str, position: int, tx: Transaction) -> None:
    tx.set_cursor(cursor, position)
