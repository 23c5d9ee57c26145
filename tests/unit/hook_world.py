"""A roster, webhooks and a courier over memory, with a clock that the test moves."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from roomtone.model.facts import AnyFact, Joined, Left
from roomtone.model.hooks import EVENTS, Delivery, Webhook
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.subjects import Subject
from roomtone.model.tenancy import Account, App
from roomtone.ports.courier import Answer
from roomtone.ports.journal import Batch
from roomtone.ports.records import Page
from roomtone.services.hook_delivery import Deliverer
from roomtone.services.hook_keys import HookKeys
from roomtone.services.hook_outbox import Outbox
from roomtone.services.roster import CURSOR, Roster
from roomtone.services.webhooks import Announcer, Webhooks
from roomtone.sources.presence import presence_of
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SECOND = 1_000
DAY = 24 * 3600 * SECOND


class MovedClock:
    """Tests move it."""

    def __init__(self) -> None:
        self.t = T0
        self._ids = 0

    def now(self) -> int:
        return self.t

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"


class ToldCourier:
    """Keeps what it is given; answers what the test says."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answer: Callable[[str, dict[str, Any]], Answer] = lambda url, body: Answer(status=200)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        content = json.loads(body)
        self.sent.append((url, dict(headers), content))
        return self.answer(url, content)

    def events(self) -> list[str]:
        return [body["event"].partition(".")[2] for _, _, body in self.sent]


class HookWorld:
    """One app, one meeting, four people."""

    def __init__(self, **outbox: Any) -> None:
        self.clock = MovedClock()
        self.database = Database.open(":memory:")
        self.records = SqlRecords(self.database)
        self.journal = MemoryJournal()
        self.outbox = Outbox(self.clock, **outbox)
        self.roster = Roster(self.journal, self.records, self.clock, 90, self.outbox)
        self.webhooks = Webhooks(self.records, self.clock, allow_private=False)
        self.announcer = Announcer(self.records, self.outbox)
        self.keys = HookKeys(self.records, self.clock)
        self.courier = ToldCourier()
        self.deliverer = Deliverer(self.records, self.clock, self.keys, self.courier)
        self._batches = 0

    async def furnish(self) -> None:
        def make(tx: Any) -> None:
            tx.tenants.put_account(Account(id="acc", name="Acc", created_at=T0))
            for app in ("app", "other"):
                tx.tenants.put_app(
                    App(id=app, account_id="acc", name=f"The {app}", signing_key="", created_at=T0)
                )
            tx.rooms.put_meeting(
                Meeting(id="m", app_id="app", title="Weekly sync", created_at=T0, updated_at=T0)
            )
            for number in range(4):
                tx.rooms.put_participant(
                    Participant(
                        id=f"u{number}",
                        app_id="app",
                        meeting_id="m",
                        custom_participant_id=f"c{number}",
                        name=f"Person {number}",
                        preset_name="p",
                        created_at=T0,
                        updated_at=T0,
                    )
                )

        await self.records.write(make)

    async def hook(self, app_id: str = "app", **given: Any) -> Webhook:
        fields = {"name": "hook", "url": "https://example.com/", "events": list(EVENTS), **given}
        return await self.webhooks.create(app_id, fields)

    async def say(self, peer: int, *facts: AnyFact) -> None:
        """A batch of a peer arrives now, and the roster takes it in."""
        await self.append(peer, *facts)
        await self.roster.catch_up()

    async def append(self, peer: int, *facts: AnyFact) -> None:
        self._batches += 1
        subject = Subject("app", "m", f"u{peer % 4}", f"peer-{peer}")
        key = f"s:{self._batches}"
        received = self.clock.t
        presence = presence_of(facts, received)
        await self.journal.append([Batch(subject, key, received, facts, presence)])

    async def join(self, peer: int) -> None:
        await self.say(peer, Joined(self.clock.t, "call_join"))

    async def leave(self, peer: int) -> None:
        await self.say(peer, Left(self.clock.t, "disconnect"))

    async def rewind(self) -> None:
        """Let the roster read the whole journal again."""
        await self.records.write(lambda tx: tx.set_cursor(CURSOR, 0))
        await self.roster.catch_up()

    async def queued(self, webhook: Webhook) -> list[Delivery]:
        """In the order in which they happened."""
        rows, _ = await self.webhooks.deliveries(webhook.app_id, webhook.id, None, Page(0, 100_000))
        return rows[::-1]

    async def told(self, webhook: Webhook) -> list[dict[str, Any]]:
        return [json.loads(row.body) for row in await self.queued(webhook)]

    async def names(self, webhook: Webhook) -> list[str]:
        return [row.event.partition(".")[2] for row in await self.queued(webhook)]


def in_a_world(scenario: Callable[[HookWorld], Any], **outbox: Any) -> Any:
    """Run a scenario."""

    async def main() -> Any:
        world = HookWorld(**outbox)
        await world.furnish()
        try:
            return await scenario(world)
        finally:
            await asyncio.to_thread(world.database.close)

    return asyncio.run(main())
