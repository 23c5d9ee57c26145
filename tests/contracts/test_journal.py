"""Every journal keeps the five promises of ports/journal.py."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import journal_of
from roomtone.model.facts import AnyFact, Happened, Joined, Snapshot
from roomtone.model.presence import Presence, merge
from roomtone.model.stats import InboundRtp
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Entry, Journal
from roomtone.storage.database import Database
from roomtone.storage.journal import SqlJournal
from roomtone.storage.memory import MemoryJournal

T = TypeVar("T")
T0 = 1_700_000_000_000
FOR_EVER = 1 << 60

ANNA = Subject("app", "meeting", "anna", "peer-1")
BERT = Subject("app", "meeting", "bert", "peer-2")


@pytest.fixture(params=["memory", "sqlite", "sqlite in memory", "postgresql", "jetstream"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with journal_of(request.param, tmp_path) as opened:
        yield opened


def run(story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        return await story()

    return asyncio.run(told())


def snapshot(t: int) -> Snapshot:
    stat = InboundRtp(id="in", timestamp=t + 0.25, packets_received=t / 20, jitter=0.001 * (t % 7))
    return Snapshot(T0 + t, "pc", "both", (stat,))


def batch(subject: Subject, key: str, *times: int) -> Batch:
    """Snapshots at these times, in ms after T0."""
    presence = Presence(
        first_t=T0 + min(times), last_t=T0 + max(times), first_received=T0, last_received=T0
    )
    return Batch(subject, key, T0 + max(times), tuple(map(snapshot, times)), presence)


def encoded(facts: list[AnyFact]) -> list[bytes]:
    return sorted(map(msgspec.msgpack.encode, facts))


async def facts_of(journal: Journal, subject: Subject) -> list[AnyFact]:
    return [fact for chunk in await journal.read(subject.key) for fact in chunk.facts()]


async def whole_tail(journal: Journal, limit: int = 1_000, after: int = 0) -> list[Entry]:
    entries: list[Entry] = []
    while more := await journal.tail(entries[-1].position if entries else after, limit):
        entries += more
    return entries


# --- 1: what is appended is there -----------------------------------------------------------------


def test_what_was_appended_is_read_fact_for_fact(journal: Journal) -> None:
    facts = (Joined(T0, "call_join"), Happened(T0 + 5, "mute", {"kind": ["x", 1.5, None]}))
    told = Batch(ANNA, "h:01", None, (*facts, snapshot(7)), Presence(first_t=T0, last_t=T0 + 7))

    async def story() -> None:
        assert await journal.append([told]) == [True]
        (chunk,) = await journal.read(ANNA.key)
        assert tuple(chunk.facts()) == told.facts
        assert (chunk.t_min, chunk.t_max, chunk.presence) == (T0, T0 + 7, told.presence)

    run(story)


def test_an_unknown_subject_has_no_facts_and_nothing_appended_gives_nothing(
    journal: Journal,
) -> None:
    async def story() -> None:
        assert await journal.append([]) == []
        assert await journal.read(ANNA.key) == []
        assert await journal.last_seq(ANNA.key) is None
        assert await journal.tail(0, 10) == []
        await journal.pack(ANNA.key, FOR_EVER)
        assert await journal.forget(ANNA.key) == 0

    run(story)


def test_a_batch_without_facts_counts_for_its_presence(journal: Journal) -> None:
    silent = Batch(ANNA, "s:0", T0, (), Presence(heard=(("peer-2", T0),)))

    async def story() -> None:
        assert await journal.append([silent]) == [True]
        await journal.pack(ANNA.key, FOR_EVER)
        (chunk,) = await journal.read(ANNA.key)
        assert (list(chunk.facts()), chunk.presence) == ([], silent.presence)

    run(story)


# --- 2: a repetition changes nothing, for ever ----------------------------------------------------


def test_a_batch_that_is_there_already_changes_nothing(journal: Journal) -> None:
    async def story() -> None:
        first = batch(ANNA, "s:0", 1)
        assert await journal.append([first]) == [True]
        assert await journal.append([batch(ANNA, "s:0", 99)]) == [False]
        assert await facts_of(journal, ANNA) == list(first.facts)
        assert len(await whole_tail(journal)) == 1

    run(story)


def test_of_twins_in_one_call_the_first_is_stored(journal: Journal) -> None:
    async def story() -> None:
        twins = [batch(ANNA, "s:0", 1), batch(ANNA, "s:0", 2), batch(ANNA, "s:1", 3)]
        assert await journal.append(twins) == [True, False, True]
        assert await facts_of(journal, ANNA) == [snapshot(1), snapshot(3)]

    run(story)


def test_of_those_who_append_the_same_at_once_one_is_told_that_it_was_stored(
    journal: Journal,
) -> None:
    async def story() -> None:
        answers = await asyncio.gather(
            *(journal.append([batch(ANNA, f"s:{n // 5}", n)]) for n in range(50))
        )
        assert sum(answer[0] for answer in answers) == 10
        assert len(await facts_of(journal, ANNA)) == 10

    run(story)


def test_the_same_key_of_another_subject_is_another_batch(journal: Journal) -> None:
    async def story() -> None:
        both = [batch(ANNA, "s:0", 1), batch(BERT, "s:0", 2)]
        assert await journal.append(both) == [True, True]
        assert await facts_of(journal, BERT) == [snapshot(2)]

    run(story)


@pytest.mark.parametrize("key", ["s:3", "h:00ff", "r:silence:5", "s:007"])
def test_a_packed_batch_changes_nothing_either(journal: Journal, key: str) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, key, 1)])
        await journal.pack(ANNA.key, FOR_EVER)
        again = [batch(ANNA, key, 99), batch(ANNA, "s:4", 2), batch(BERT, key, 3)]
        assert await journal.append(again) == [False, True, True]
        assert await facts_of(journal, ANNA) == [snapshot(1), snapshot(2)]
        await journal.pack(ANNA.key, FOR_EVER)
        assert await journal.append(again) == [False, False, False]

    run(story)


# --- 3: the tail ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_the_tail_shows_every_batch_once_in_one_order(journal: Journal, limit: int) -> None:
    async def story() -> None:
        await asyncio.gather(
            *(journal.append([batch(s, f"s:{n}", n)]) for n in range(20) for s in (ANNA, BERT))
        )
        entries = await whole_tail(journal, limit)
        positions = [entry.position for entry in entries]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        shown = [(entry.subject, entry.presence.first_t) for entry in entries]
        assert sorted(shown, key=str) == sorted(
            ((s, T0 + n) for n in range(20) for s in (ANNA, BERT)), key=str
        )
        assert await whole_tail(journal, limit, positions[4]) == entries[5:]

    run(story)


def test_packing_shows_nothing_again_to_whoever_has_seen_it(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, f"s:{n}", n) for n in range(10)])
        seen = await whole_tail(journal)
        await journal.pack(ANNA.key, seen[-1].position)
        assert await journal.tail(seen[-1].position, 10) == []
        await journal.append([batch(ANNA, "s:10", 10)])
        (new,) = await journal.tail(seen[-1].position, 10)
        assert new.position > seen[-1].position

    run(story)


def test_packing_hides_nothing_from_whoever_has_not_seen_it(journal: Journal) -> None:
    async def story() -> None:
        batches = [batch(s, f"s:{n}", n) for n in range(10) for s in (ANNA, BERT)]
        await journal.append(batches)
        halfway = (await whole_tail(journal))[9].position
        await journal.pack(ANNA.key, FOR_EVER)
        whole = reduce(merge, (b.presence for b in batches if b.subject == ANNA))
        for after in (0, halfway):
            (entry,) = [e for e in await whole_tail(journal, 3, after) if e.subject == ANNA]
            assert entry.presence == whole

    run(story)


# --- 4 and 5: read and pack -----------------------------------------------------------------------


def test_chunks_come_by_their_earliest_time(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, f"s:{n}", (n * 37) % 50) for n in range(50)])
        for _ in range(2):
            chunks = await journal.read(ANNA.key)
            assert [chunk.t_min for chunk in chunks] == sorted(chunk.t_min for chunk in chunks)
            for chunk in chunks:
                times = [fact.t for fact in chunk.facts()]
                assert (min(times), max(times)) == (chunk.t_min, chunk.t_max)
            await journal.pack(ANNA.key, FOR_EVER)

    run(story)


def test_packing_makes_few_chunks_and_keeps_every_fact(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, f"s:{n}", n, n + 1) for n in range(0, 1_200, 2)])
        before = encoded(await facts_of(journal, ANNA))
        await journal.pack(ANNA.key, FOR_EVER)
        chunks = await journal.read(ANNA.key)
        assert len(chunks) == 3
        assert max(len(chunk.facts()) for chunk in chunks) <= 512
        assert encoded(await facts_of(journal, ANNA)) == before

    run(story)


def test_a_chunk_read_before_packing_still_gives_its_facts_afterwards(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, "s:0", 1)])
        (chunk,) = await journal.read(ANNA.key)
        await journal.pack(ANNA.key, FOR_EVER)
        await journal.forget(ANNA.key)
        assert list(chunk.facts()) == [snapshot(1)]

    run(story)


def test_packing_stops_where_it_is_told_to(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, f"s:{n}", n) for n in range(6)])
        middle = (await whole_tail(journal))[3].position
        await journal.pack(ANNA.key, middle)
        assert [chunk.t_min - T0 for chunk in await journal.read(ANNA.key)] == [0, 4, 5]
        assert len(await journal.tail(middle, 10)) == 2

    run(story)


def test_a_late_batch_joins_what_is_packed(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, "s:0", 10), batch(ANNA, "s:2", 30)])
        await journal.pack(ANNA.key, FOR_EVER)
        assert await journal.append([batch(ANNA, "s:1", 20)]) == [True]
        await journal.pack(ANNA.key, FOR_EVER)
        (chunk,) = await journal.read(ANNA.key)
        assert list(chunk.facts()) == [snapshot(10), snapshot(20), snapshot(30)]
        assert chunk.presence.last_t == T0 + 30

    run(story)


def test_a_fact_that_came_twice_is_one_fact_when_packed(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(ANNA, "h:1", 1, 2), batch(ANNA, "h:2", 2, 3)])
        await journal.pack(ANNA.key, FOR_EVER)
        assert await facts_of(journal, ANNA) == [snapshot(1), snapshot(2), snapshot(3)]

    run(story)


def test_packing_while_others_append_and_pack_loses_nothing(journal: Journal) -> None:
    async def story() -> None:
        async def appends() -> None:
            for n in range(60):
                assert await journal.append([batch(ANNA, f"s:{n}", n)]) == [True]

        async def packs() -> None:
            for _ in range(8):
                await journal.pack(ANNA.key, FOR_EVER)
                await asyncio.sleep(0.001)

        await asyncio.gather(appends(), packs(), packs())
        assert encoded(await facts_of(journal, ANNA)) == encoded([snapshot(n) for n in range(60)])
        assert await journal.last_seq(ANNA.key) == 59

    run(story)


# --- the rest of the port -------------------------------------------------------------------------


def test_the_last_seq_is_the_largest_number_packed_or_not(journal: Journal) -> None:
    async def story() -> None:
        keys = ["s:2", "s:10", "s:9", "h:ffff", "s:x"]
        await journal.append([batch(ANNA, key, n) for n, key in enumerate(keys)])
        assert await journal.last_seq(ANNA.key) == 10
        await journal.pack(ANNA.key, FOR_EVER)
        assert await journal.last_seq(ANNA.key) == 10
        await journal.append([batch(ANNA, "s:11", 50)])
        assert await journal.last_seq(ANNA.key) == 11
        assert await journal.last_seq(BERT.key) is None

    run(story)


def test_what_is_forgotten_is_gone_packed_or_not(journal: Journal) -> None:
    async def story() -> None:
        await journal.append([batch(s, f"s:{n}", n) for n in range(4) for s in (ANNA, BERT)])
        await journal.pack(ANNA.key, (await whole_tail(journal))[3].position)
        assert await journal.forget(ANNA.key) == 4
        assert await journal.read(ANNA.key) == []
        assert await journal.last_seq(ANNA.key) is None
        assert {entry.subject for entry in await whole_tail(journal)} == {BERT}
        assert await journal.append([batch(ANNA, "s:0", 1)]) == [True]

    run(story)


# --- a naive model --------------------------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("append"),
            st.lists(
                st.tuples(
                    st.sampled_from([ANNA, BERT]),
                    st.sampled_from(["s:0", "s:1", "s:2", "s:9", "h:a", "h:b"]),
                    st.lists(st.integers(0, 30), min_size=1, max_size=3),
                ),
                max_size=4,
            ),
        ),
        st.tuples(st.just("pack"), st.sampled_from([ANNA, BERT]), st.integers(0, 20)),
        st.tuples(st.just("forget"), st.sampled_from([ANNA, BERT])),
        st.tuples(st.just("look")),
    ),
    max_size=14,
)


class Naive:
    """What is stored, as plain dicts."""

    def __init__(self) -> None:
        self.batches: defaultdict[Subject, dict[str, Batch]] = defaultdict(dict)

    def append(self, told: Batch) -> bool:
        return self.batches[told.subject].setdefault(told.key, told) is told

    def facts(self, subject: Subject) -> list[bytes]:
        every = [fact for told in self.batches[subject].values() for fact in told.facts]
        return sorted({msgspec.msgpack.encode(fact) for fact in every})

    def presence(self, subject: Subject) -> Presence:
        return reduce(merge, (told.presence for told in self.batches[subject].values()))


async def play(journal: Journal, story: list[tuple]) -> None:  # type: ignore[type-arg]
    naive = Naive()
    followed = 0
    for what, *about in [*story, ("look",)]:
        if what == "append":
            batches = [batch(subject, key, *times) for subject, key, times in about[0]]
            assert await journal.append(batches) == [naive.append(told) for told in batches]
        elif what == "pack":
            await journal.pack(about[0].key, about[1])
        elif what == "forget":
            assert await journal.forget(about[0].key) == len(naive.batches.pop(about[0], {}))
        else:
            entries = await journal.tail(followed, 1_000)
            assert all(entry.position > followed for entry in entries)
            followed = max((entry.position for entry in entries), default=followed)
            for subject, batches in list(naive.batches.items()):
                found = encoded(await facts_of(journal, subject))
                assert sorted(set(found)) == naive.facts(subject)
                numbers = [int(key[2:]) for key in batches if key.startswith("s:")]
                assert await journal.last_seq(subject.key) == max(numbers, default=None)
                told = [e.presence for e in await whole_tail(journal, 2) if e.subject == subject]
                if batches:
                    assert reduce(merge, told) == naive.presence(subject)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_whatever_is_done_every_journal_agrees_with_plain_dicts(story: list[tuple]) -> None:  # type: ignore[type-arg]
    asyncio.run(play(MemoryJournal(), story))
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "test.db")
        asyncio.run(play(SqlJournal(database), story))
        database.close()


# --- killed ---------------------------------------------------------------------------------------

APPENDER = """
import asyncio, sys
from pathlib import Path
from roomtone.model.facts import Happened
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.storage.database import Database
from roomtone.storage.journal import SqlJournal

async def appends(journal, who):
    subject = Subject("app", "meeting", who, who)
    for n in range(100_000):
        facts = (Happened(n, "x" * 300, {"n": n}),)
        await journal.append([Batch(subject, f"s:{n}", n, facts, Presence(first_t=n, last_t=n))])
        print(who, n, flush=True)
        if n % 40 == 39:
            await journal.pack(subject.key, 1 << 60)

async def main():
    journal = SqlJournal(Database.open(Path(sys.argv[1])))
    await asyncio.gather(*(appends(journal, f"p{i}") for i in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "test.db"
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged: defaultdict[str, list[int]] = defaultdict(list)
    stop_at = random.Random(seed).randint(50, 1_500)
    for count, line in enumerate(process.stdout):
        if not line.endswith("\n"):
            break  # the kill cut off what it was saying
        who, n = line.split()
        acknowledged[who].append(int(n))
        if count == stop_at:
            os.kill(process.pid, signal.SIGKILL)
    process.wait()

    async def story() -> None:
        database = Database.open(path)
        journal = SqlJournal(database)
        for who, numbers in acknowledged.items():
            subject = Subject("app", "meeting", who, who)
            kept = sorted(fact.t for fact in await facts_of(journal, subject))
            assert kept == list(range(len(kept)))
            assert len(kept) >= len(numbers)
            again = Batch(subject, f"s:{numbers[-1]}", None, (), Presence())
            assert await journal.append([again]) == [False]
        database.close()

    run(story)
