"""What the journal's port says of redacting single facts, and of finding the oldest batches."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import journal_of
from roomtone.model.facts import AnyFact, Happened, Left
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Journal

T0 = 1_700_000_000_000
ANNA = Subject("app", "meeting", "anna", "peer-1")
BERT = Subject("app", "meeting", "bert", "peer-2")


@pytest.fixture(
    params=[
        *("memory", "sqlite", "sqlite in memory", "postgresql", "jetstream"),
        *("sqlite encrypted", "jetstream encrypted"),
    ]
)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with journal_of(request.param, tmp_path) as opened:
        yield opened


def batch(subject: Subject, key: str, *names: str, received_at: int | None = T0) -> Batch:
    facts = tuple(Happened(T0 + at, name, {"n": at}) for at, name in enumerate(names))
    return Batch(subject, key, received_at, facts, Presence(first_t=T0, last_t=T0))


async def names(journal: Journal, subject: Subject) -> list[str]:
    chunks = await journal.read(subject.key)
    return sorted(fact.name for chunk in chunks for fact in chunk.facts())


def without_b(fact: AnyFact) -> AnyFact | None:
    if isinstance(fact, Happened) and fact.name == "b":
        return None
    if isinstance(fact, Happened) and fact.name == "c":
        return Happened(fact.t, "changed")
    return fact


@pytest.mark.parametrize("packed", [False, True])
def test_facts_are_taken_out_and_changed_whether_packed_or_not(journal, packed):
    async def story() -> None:
        await journal.append([batch(ANNA, "s:0", "a", "b"), batch(ANNA, "s:1", "c")])
        await journal.append([batch(BERT, "s:0", "b")])
        if packed:
            await journal.pack(ANNA.key, 1 << 60)
            await journal.append([batch(ANNA, "s:2", "b", "d")])

        assert await journal.redact(ANNA.key, without_b) == (3 if packed else 2)
        assert await names(journal, ANNA) == ["a", "changed", *(["d"] if packed else [])]
        assert await names(journal, BERT) == ["b"]
        assert await journal.redact(ANNA.key, without_b) == 0

    asyncio.run(story())


def test_redacting_leaves_keys_presence_and_positions(journal):
    async def story() -> None:
        await journal.append([batch(ANNA, "s:0", "b")])
        before = await journal.tail(0, 9)
        await journal.redact(ANNA.key, without_b)

        assert await journal.tail(0, 9) == before
        assert await journal.append([batch(ANNA, "s:0", "b")]) == [False]
        assert await names(journal, ANNA) == []

    asyncio.run(story())


def test_an_unknown_subject_has_nothing_to_redact(journal):
    assert asyncio.run(journal.redact(ANNA.key, without_b)) == 0


def test_the_oldest_batches_that_were_never_packed_name_their_subjects(journal):
    async def story() -> None:
        await journal.append([batch(ANNA, "s:0", "a", received_at=T0)])
        await journal.append([batch(ANNA, "s:1", "a", received_at=T0 + 1)])
        await journal.append([Batch(BERT, "r:1", None, (Left(T0, "silence"),), Presence())])
        await journal.append([batch(BERT, "s:0", "a", received_at=T0 + 5)])

        assert await journal.oldest(T0, 9) == []
        assert await journal.oldest(T0 + 2, 9) == [ANNA]
        assert await journal.oldest(T0 + 6, 9) == [ANNA, BERT]
        assert await journal.oldest(T0 + 6, 1) == [ANNA]
        await journal.pack(ANNA.key, 1 << 60)
        assert await journal.oldest(T0 + 6, 9) == [BERT]
        await journal.forget(BERT.key)
        assert await journal.oldest(T0 + 6, 9) == []

    asyncio.run(story())
