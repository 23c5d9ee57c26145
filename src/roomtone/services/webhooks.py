"""Webhooks: where an app wants to be told, the log of telling, and telling it again."""

from typing import Any

from msgspec.structs import replace

from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.hooks import EVENTS, PENDING, Delivery, Webhook
from roomtone.model.sessions import Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Page, Records, Transaction
from roomtone.services import hook_payloads as events
from roomtone.services.hook_outbox import Outbox
from roomtone.services.hook_targets import check_url
from roomtone.services.sessions import NO_SUCH_SESSION

MAX_WEBHOOKS = 100
"""Per app: each event is queued once for each of them."""
DROPPED_AT_ONCE = 1_000

NO_SUCH_WEBHOOK = "No such webhook."
NO_SUCH_DELIVERY = "No such delivery."


class Webhooks:
    """An app's webhooks and their deliveries."""

    def __init__(self, records: Records, clock: Clock, *, allow_private: bool) -> None:
        self._records = records
        self._clock = clock
        self._allow_private = allow_private

    async def create(self, app_id: str, given: dict[str, Any]) -> Webhook:
        """``given``: name, url, events, maybe enabled. Raises Invalid with every fault."""
        self._check(given)
        now = self._clock.now()
        webhook = Webhook(
            id=self._clock.new_id(), app_id=app_id, created_at=now, updated_at=now, **given
        )

        def make(tx: Transaction) -> None:
            if len(tx.hooks.webhooks(app_id)) >= MAX_WEBHOOKS:
                why = f"an app has at most {MAX_WEBHOOKS} webhooks"
                raise Invalid("Too many webhooks.", (Fault("", why),))
            tx.hooks.put_webhook(webhook)

        await self._records.write(make)
        return webhook

    async def find(self, app_id: str | None) -> list[Webhook]:
        """Those of an app, or all; oldest first."""
        return await self._records.read(lambda tx: tx.hooks.webhooks(app_id))

    async def get(self, app_id: str, webhook_id: str) -> Webhook:
        """Raises NotFound."""
        return await self._records.read(lambda tx: _known(tx, app_id, webhook_id))

    async def change(
        self, app_id: str, webhook_id: str, given: dict[str, Any], *, whole: bool
    ) -> Webhook:
        """Change what is given, or replace it ``whole``. Raises NotFound, Invalid.

        What is queued already goes to the new URL.
        """
        self._check(given)
        now = self._clock.now()

        def change(tx: Transaction) -> Webhook:
            before = _known(tx, app_id, webhook_id)
            fields = {"enabled": True, **given} if whole else given
            webhook = replace(before, updated_at=now, **fields)
            tx.hooks.put_webhook(webhook)
            return webhook

        return await self._records.write(change)

    async def delete(self, app_id: str, webhook_id: str) -> Webhook:
        """Delete it, with its log and what is queued. Raises NotFound."""

        def delete(tx: Transaction) -> Webhook:
            webhook = _known(tx, app_id, webhook_id)
            tx.hooks.delete_webhook(webhook_id)
            return webhook

        webhook = await self._records.write(delete)
        # In bites, so that nobody who writes has to wait for a long log.
        while await self._records.write(
            lambda tx: tx.hooks.drop_deliveries(webhook_id, DROPPED_AT_ONCE)
        ):
            pass
        return webhook

    # --- the log --------------------------------------------------------------------------------

    async def deliveries(
        self, app_id: str, webhook_id: str, status: str | None, page: Page
    ) -> tuple[list[Delivery], int]:
        """A slice of the log, latest first, and how many there are. Raises NotFound."""

        def ask(tx: Transaction) -> tuple[list[Delivery], int]:
            _known(tx, app_id, webhook_id)
            return tx.hooks.deliveries(webhook_id, status, page)

        return await self._records.read(ask)

    async def told_of(self, app_id: str, session_id: str, limit: int) -> list[Delivery]:
        """What any webhook was told of a session, latest first. Raises NotFound."""

        def ask(tx: Transaction) -> list[Delivery]:
            if tx.sessions.session(app_id, session_id) is None:
                raise NotFound(NO_SUCH_SESSION)
            return tx.hooks.session_deliveries(app_id, session_id, limit)

        return await self._records.read(ask)

    async def replay(self, app_id: str, webhook_id: str, delivery_id: str) -> Delivery:
        """Send one again: same body, same id. Raises NotFound."""
        now = self._clock.now()

        def again(tx: Transaction) -> Delivery:
            _known(tx, app_id, webhook_id)
            before = tx.hooks.delivery(webhook_id, delivery_id)
            if before is None:
                raise NotFound(NO_SUCH_DELIVERY)
            delivery = replace(
                before,
                status=PENDING,
                tries=0,
                error=None,
                updated_at=now,
                queued_at=now,
                next_try_at=now,
            )
            tx.hooks.put_delivery(delivery)
            return delivery

        return await self._records.write(again)

    async def replay_range(self, app_id: str, webhook_id: str, since: int, until: int) -> int:
        """Send again all that was queued first from ``since`` to ``until`` (epoch ms, both ends
        included), in its order; how many. Raises NotFound, Invalid."""
        if since > until:
            raise Invalid("The body is not valid.", (Fault("/to", "must not be before from"),))
        now = self._clock.now()

        def again(tx: Transaction) -> int:
            _known(tx, app_id, webhook_id)
            return tx.hooks.requeue_deliveries(webhook_id, since, until, now)

        return await self._records.write(again)

    def _check(self, given: dict[str, Any]) -> None:
        faults = []
        if "name" in given and not given["name"].strip():
            faults.append(Fault("/name", "must not be empty"))
        if "url" in given:
            try:
                check_url(given["url"], allow_private=self._allow_private)
            except ValueError as error:
                faults.append(Fault("/url", str(error)))
        if "events" in given:
            given["events"] = tuple(dict.fromkeys(given["events"]))
            if not given["events"]:
                faults.append(Fault("/events", "must name at least one event"))
            faults += [
                Fault(f"/events/{place}", f"must be one of {', '.join(EVENTS)}")
                for place, event in enumerate(given["events"])
                if event not in EVENTS
            ]
        if faults:
            raise Invalid("The body is not valid.", tuple(faults))


class Announcer:
    """Tells webhooks of files that were made. A step that runs twice tells once.

    ``made`` names the making of the file (its time, or the job's id): a file that was made anew is
    told of again. URLs are signed links; ``expires_at`` is epoch ms. Each returns how many webhooks
    are told.
    """

    def __init__(self, records: Records, outbox: Outbox) -> None:
        self._records = records
        self._outbox = outbox

    async def chat_synced(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """``meeting.chatSynced``."""
        return await self._records.write(
            lambda tx: self._outbox.queue(
                tx,
                session,
                events.CHAT_SYNCED,
                f"chat:{session.id}:{made}",
                lambda app: self._outbox.payloads.chat_synced(session, app, url, expires_at),
            )
        )

    async def transcript_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """``meeting.transcript``."""
        return await self._records.write(
            lambda tx: self._outbox.queue(
                tx,
                session,
                events.TRANSCRIPT,
                f"transcript:{session.id}:{made}",
                lambda app: self._outbox.payloads.transcript(session, app, url, expires_at),
            )
        )

    async def summary_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        """``meeting.summary``."""
        return await self._records.write(
            lambda tx: self._outbox.queue(
                tx,
                session,
                events.SUMMARY,
                f"summary:{session.id}:{made}",
                lambda app: self._outbox.payloads.summary(session, app, url, expires_at),
            )
        )


def _known(tx: Transaction, app_id: str, webhook_id: str) -> Webhook:
    webhook = tx.hooks.webhook(app_id, webhook_id)
    if webhook is None:
        raise NotFound(NO_SUCH_WEBHOOK)
    return webhook
