"""Outbox: what happened becomes deliveries, in the very transaction in which it happens.

The roster tells how rows moved; the rule is that *what was told last is what holds*:

* a session that begins is ``meeting.started``, one that ends ``meeting.ended``. One that turns out
  to be going on after all (late facts) is started again, under the same session id, and ends again;
* a peer that comes in is ``participantJoined``, one that goes ``participantLeft``. One that is back
  under its peer id (it fell silent, or reloaded) has joined again; ``joinedAt`` stays the beginning
  of its stay, as the API says it;
* what was found in a session is told once it is sealed, and again only if it came out otherwise;
* numbers that are corrected afterwards, such as the time of a leave, are not told again.

Since a movement is the difference between a row before and after, journal entries that are applied
twice move nothing and tell nothing. Each movement has a cause besides, told once to each webhook.
What happened more than a day ago (an import, a client that was offline for long) is not announced.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from roomtone.model.hooks import Delivery
from roomtone.model.sessions import ENDED, LIVE, Peer, Session
from roomtone.model.tenancy import App
from roomtone.ports.clock import Clock
from roomtone.ports.records import Transaction
from roomtone.services import hook_payloads as events
from roomtone.services.hook_payloads import Payloads

_encode = msgspec.msgpack.Encoder(order="deterministic").encode

NEWS_MS = 24 * 3600 * 1000
"""How old a thing may be to be announced: as old as a delivery may get while it is tried."""

SessionMove = tuple[Session, Session]
"""(before, after)."""
PeerMove = tuple[Peer | None, Peer]
"""(before, after); before is None for a peer that was not known."""
Moves = tuple[Sequence[SessionMove], Sequence[PeerMove]]


class Outbox:
    """Queues deliveries. Every method works inside one transaction."""

    def __init__(self, clock: Clock, *, always_live: bool = False, base_url: str = "") -> None:
        self._clock = clock
        self.payloads = Payloads(always_live=always_live, base_url=base_url)

    def moved(
        self, tx: Transaction, sessions: Sequence[SessionMove], peers: Sequence[PeerMove]
    ) -> None:
        """Tell of sessions that began or began again, then of peers, in the order given."""
        for before, session in sessions:
            if before.total_participants == 0:
                self._started(tx, session, f"started:{session.id}")
            elif before.status == ENDED and session.status == LIVE:
                self._started(tx, session, f"started:{session.id}:{before.ended_at}")
        now_in = {session.id: session for _, session in sessions}
        for peer_before, peer in peers:
            held = now_in.get(peer.session_id)
            if held is not None:
                self._peer(tx, held, peer_before, peer)

    def _started(self, tx: Transaction, session: Session, cause: str) -> None:
        self.queue(
            tx,
            session,
            events.STARTED,
            cause,
            lambda app: self.payloads.started(session, app),
            happened_at=session.started_at,
        )

    def _peer(self, tx: Transaction, session: Session, before: Peer | None, peer: Peer) -> None:
        was_in = before is not None and before.left_at is None
        if not was_in and (before is None or peer.left_at is None):
            # Known by the leave that it undoes, for joined_at is the same as the first time.
            undone = "" if before is None else before.left_at
            self.queue(
                tx,
                session,
                events.JOINED,
                f"joined:{peer.peer_id}:{undone}",
                lambda app: self.payloads.joined(session, app, peer),
                happened_at=peer.joined_at if before is None else peer.last_sign_at,
            )
        if peer.left_at is not None and (before is None or was_in):
            self.queue(
                tx,
                session,
                events.LEFT,
                f"left:{peer.peer_id}:{peer.left_at}",
                lambda app: self.payloads.left(session, app, peer),
                happened_at=peer.left_at,
            )

    def ended(self, tx: Transaction, session: Session) -> None:
        """Tell that a session is over."""
        self.queue(
            tx,
            session,
            events.ENDED_EVENT,
            f"ended:{session.id}:{session.ended_at}",
            lambda app: self.payloads.ended(session, app),
            happened_at=session.ended_at or 0,
        )

    def sealed(self, tx: Transaction, session: Session) -> None:
        """Tell what was found in a session, once for each thing that was ever found in it: sealing
        it anew with the same outcome tells nothing."""
        digest = tx.digests.digest(session.id)
        if digest is None or not digest.model:
            return
        content = _encode((digest.findings, digest.verdict))
        self.queue(
            tx,
            session,
            events.FINDINGS,
            f"findings:{session.id}:{sha256(content).hexdigest()[:32]}",
            lambda app: self.payloads.findings(session, app, digest),
            happened_at=session.ended_at or 0,
        )

    def queue(
        self,
        tx: Transaction,
        session: Session,
        event: str,
        cause: str,
        body: Callable[[App], bytes],
        *,
        happened_at: int | None = None,
    ) -> int:
        """One delivery for each enabled webhook of the app that wants this event; how many."""
        now = self._clock.now()
        if happened_at is not None and now - happened_at > NEWS_MS:
            return 0
        wanting = [
            webhook
            for webhook in tx.hooks.webhooks(session.app_id)
            if webhook.enabled and event in webhook.events
        ]
        app = tx.tenants.app(session.app_id) if wanting else None
        if app is None:
            return 0
        content = body(app)
        return sum(
            tx.hooks.add_delivery(
                Delivery(
                    id=self._clock.new_id(),
                    webhook_id=webhook.id,
                    app_id=webhook.app_id,
                    event=event,
                    session_id=session.id,
                    cause=cause,
                    body=content,
                    created_at=now,
                    updated_at=now,
                    queued_at=now,
                    next_try_at=now,
                )
            )
            for webhook in wanting
        )
