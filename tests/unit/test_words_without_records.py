"""Where the journal lies elsewhere, what was said is accepted while the records are away, also in a
batch that is repeated, and written once they are back."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hook_world import SECOND, HookWorld, in_a_world

from roomtone.model.errors import Failed
from roomtone.model.subjects import Subject
from roomtone.ports.words import START
from roomtone.services.collect import Collector, Sender
from roomtone.services.origins import Origins
from roomtone.services.rate import RateLimit
from roomtone.services.words import Words

PEER = "0a0a0a0a-0000-4000-8000-000000000001"
SENDER = Sender(token="t", user_agent=None, address=None)


class Records:
    """The world's, which may be away."""

    def __init__(self, world: HookWorld) -> None:
        self._world = world
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise Failed("PostgreSQL is away.", "Start it.")
        return getattr(self._world.records, name)


class Journal:
    """The world's, after each of whose appends the records may go away."""

    def __init__(self, world: HookWorld, records: Records) -> None:
        self._world, self._records = world, records
        self.apart = True
        self.last_seq, self.read = world.journal.last_seq, world.journal.read
        self.takes_records_away = False

    async def append(self, batches: Any) -> list[bool]:
        stored = await self._world.journal.append(batches)
        self._records.away |= self.takes_records_away
        return stored


def collector(world: HookWorld, records: Any, journal: Any) -> Collector:
    claims = SimpleNamespace(app_id="app", meeting_id="m", participant_id="u0")
    rooms: Any = SimpleNamespace(verify=lambda token: claims, removals=0)
    return Collector(
        journal,
        records,
        rooms,
        world.clock,
        lambda address, t: pytest.fail("no address was told"),
        RateLimit(0),
        Words(journal, records, world.roster, world.clock),
        Origins(records, world.clock),
        mask=True,
        moved=lambda: None,
    )


def said(number: int, *entries: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"peer_id": PEER, "seq": number, "entries": entries})


def message(world: HookWorld, message_id: str = "m1") -> dict[str, Any]:
    content = {"id": message_id, "type": "text", "message": "hello", "time": world.clock.t}
    meta = {"action": "add", "message": content}
    return {"event": "chat_message", "timestamp": world.clock.t, "metaData": meta}


async def joined(world: HookWorld) -> tuple[Collector, Records, Journal]:
    records = Records(world)
    journal = Journal(world, records)
    made = collector(world, records, journal)
    join = {"event": "call_join", "timestamp": world.clock.t}
    await made.collect(SENDER, said(1, join))
    await world.roster.catch_up()
    world.clock.t += SECOND
    return made, records, journal


async def written(world: HookWorld) -> list[str]:
    """What is there once the roster has caught up and the words have settled."""
    await world.roster.catch_up()
    await Words(world.journal, world.records, world.roster, world.clock).settle()

    def ask(tx: Any) -> list[str]:
        peer = tx.sessions.peer_by_subject(Subject("app", "m", "u0", PEER).key)
        return [one.id for one in tx.words.messages(peer.session_id, START, 10)]

    return await world.records.read(ask)


def test_a_batch_that_came_while_the_records_were_away_may_be_repeated_meanwhile():
    async def scenario(world):
        made, records, _ = await joined(world)
        records.away = True
        body = said(2, message(world))
        receipts = [await made.collect(SENDER, body) for _ in range(3)]
        records.away = False
        return [one.repeated for one in receipts], await written(world)

    assert in_a_world(scenario) == ([False, True, True], ["m1"])


def test_a_batch_that_was_stored_as_the_records_went_away_is_accepted():
    async def scenario(world):
        made, records, journal = await joined(world)
        journal.takes_records_away = True
        receipt = await made.collect(SENDER, said(2, message(world)))
        assert records.away
        records.away = journal.takes_records_away = False
        return receipt.accepted, await written(world)

    assert in_a_world(scenario) == (1, ["m1"])


def test_what_is_said_while_words_settle_is_not_forgotten():
    async def scenario(world):
        made, records, journal = await joined(world)
        await world.roster.catch_up()
        words = Words(journal, world.records, world.roster, world.clock)
        read = world.journal.read

        async def say(number: int, message_id: str) -> None:
            records.away = True  # as this process still sees it
            await made.collect(SENDER, said(number, message(world, message_id)))
            records.away = False
            await world.roster.catch_up()

        async def read_and_another_speaks(subject: bytes) -> Any:
            found = await read(subject)
            journal.read = read
            await say(3, "m2")
            return found

        await say(2, "m1")
        journal.read = read_and_another_speaks
        await words.settle()
        return await written(world)

    assert in_a_world(scenario) == ["m1", "m2"]


def test_a_journal_that_lies_with_the_records_defers_nothing():
    async def scenario(world):
        made, records, journal = await joined(world)
        journal.apart = False
        records.away = True  # as was found a moment ago, and the journal answers again
        body = said(2, message(world))
        with pytest.raises(Failed):
            await made.collect(SENDER, body)
        records.away = False
        return (await made.collect(SENDER, body)).repeated, await written(world)

    assert in_a_world(scenario) == (True, ["m1"])
