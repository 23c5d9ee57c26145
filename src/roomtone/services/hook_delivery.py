"""Delivery: what is due to a webhook goes out, one after another, until its receiver has it.

At least once: a try is written down after it was made, so a crash in between makes another one,
with the same ``rtk-uuid``. 2xx is delivered. No answer, a time-out or 5xx is tried again after
growing pauses for a day. Any other answer is the receiver's refusal and final, which is the
vendor's rule (contract 4.1); it can be replayed.
"""

from msgspec.structs import replace

from roomtone.model.hooks import DELIVERED, FAILED, PENDING, Delivery, Webhook
from roomtone.model.times import AHEAD_MS
from roomtone.ports.clock import Clock
from roomtone.ports.courier import Answer, Courier
from roomtone.ports.records import Records, Transaction
from roomtone.ports.workers import Workers
from roomtone.services.hook_keys import HookKeys

PAUSES_S = (5, 30, 120, 600, 1_800, 3_600)
"""After the first try, the second …; the last goes on for ever."""
GIVE_UP_MS = 24 * 3600 * 1000
MAX_RESPONSE_CHARS = 1_024
DELIVERIES_A_DRAIN = 500
"""Then others get their turn at the queue."""


class Deliverer:
    """Sends deliveries and keeps their log."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        keys: HookKeys,
        courier: Courier,
        workers: Workers | None = None,
        worker_id: str = "",
    ) -> None:
        """``workers``: where several processes deliver, a webhook is claimed before anything is
        sent to it; None: there is only this one."""
        self._workers = workers
        self._worker_id = worker_id
        self._records = records
        self._clock = clock
        self._keys = keys
        self._courier = courier
        self._finishing = False
        self._reachable: set[str] = set()
        """Webhooks that answered the last time. Not known of any at first."""

    def finish(self) -> None:
        """Begin no delivery any more; those under way may end."""
        self._finishing = True

    async def due(self) -> list[str]:
        """Ids of the webhooks that something is due to."""
        now = self._clock.now()
        return await self._records.read(lambda tx: tx.hooks.webhooks_due(now))

    async def recall(self) -> None:
        """After the clock was set back: what stands too far ahead by it is due now."""
        now = self._clock.now()
        ahead, far = now + AHEAD_MS, now + PAUSES_S[-1] * 1000 + AHEAD_MS
        await self._records.write(lambda tx: tx.hooks.recall_deliveries(now, ahead, far))

    async def drain(self, webhook_id: str) -> int:
        """Send what is due to one webhook; how many tries were made."""
        if self._workers is None:
            return await self._drain(webhook_id)
        if not await self._workers.claim(self._worker_id, webhook_id):
            return 0
        try:
            return await self._drain(webhook_id)
        finally:
            await self._workers.release(self._worker_id, webhook_id)

    async def _drain(self, webhook_id: str) -> int:
        for tries in range(DELIVERIES_A_DRAIN):
            found = None if self._finishing else self._next(webhook_id)
            if found is None:
                return tries
            await self._try(*found)
        return DELIVERIES_A_DRAIN

    def _next(self, webhook_id: str) -> tuple[Webhook, Delivery] | None:
        now = self._clock.now()
        if self._workers is not None and not self._workers.holds(self._worker_id, webhook_id):
            return None  # taken for dead meanwhile: another goes on from here

        def ask(tx: Transaction) -> tuple[Webhook, Delivery] | None:
            webhook = tx.hooks.webhook_by_id(webhook_id)
            if webhook is None or not webhook.enabled:
                return None
            delivery = tx.hooks.next_delivery(webhook_id, now)
            return None if delivery is None else (webhook, delivery)

        return self._records.peek(ask)

    async def _try(self, webhook: Webhook, delivery: Delivery) -> None:
        headers = {
            "content-type": "application/json",
            "rtk-signature": await self._keys.signature(delivery.body),
            "rtk-uuid": delivery.id,
            "rtk-webhook-id": webhook.id,
        }
        answer = await self._courier.post(webhook.url, headers, delivery.body)
        outcome = judged(delivery, answer, self._clock.now())
        back = answer.status is not None and webhook.id not in self._reachable
        if answer.status is None:
            self._reachable.discard(webhook.id)
        else:
            self._reachable.add(webhook.id)

        def note(tx: Transaction) -> None:
            tx.hooks.put_delivery(outcome)
            if back and outcome.status == DELIVERED:
                # Nothing that waited for it to come back needs to wait any longer.
                tx.hooks.hasten_deliveries(webhook.id)

        await self._records.write(note)


def judged(delivery: Delivery, answer: Answer, now: int) -> Delivery:
    """A delivery after one more try."""
    status = answer.status
    tries = delivery.tries + 1
    tried = replace(
        delivery,
        tries=tries,
        response_status=status,
        response_body=answer.body[:MAX_RESPONSE_CHARS] if status is not None else None,
        error=answer.error,
        updated_at=now,
    )
    if status is not None and 200 <= status < 300:
        return replace(tried, status=DELIVERED, delivered_at=now)
    pause_ms = PAUSES_S[min(tries, len(PAUSES_S)) - 1] * 1000
    final = answer.forbidden or (status is not None and status < 500)
    # A day in which hardly anything was tried was a clock that was set forward, or our own absence.
    late = now + pause_ms > delivery.queued_at + GIVE_UP_MS and tries > len(PAUSES_S)
    if final or late:
        return replace(tried, status=FAILED)
    return replace(tried, status=PENDING, next_try_at=now + pause_ms)
