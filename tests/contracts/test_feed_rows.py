"""What the console follows: sessions in the order in which they changed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from databases import database_of
from roomtone.model.digests import Digest
from roomtone.model.sessions import ENDED, Session
from roomtone.ports.records import Records, Transaction
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords

T = TypeVar("T")
T0 = 1_700_000_000_000
REVISION = "sessions.revision"


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Callable[[Transaction], T]) -> T:
    return asyncio.run(records.write(change))


def changed(records: Records, since: int, limit: int = 100) -> list[tuple[int, Session]]:
    return asyncio.run(records.read(lambda tx: tx.sessions.changed_since(since, limit)))


def latest(records: Records) -> int:
    return asyncio.run(records.read(lambda tx: tx.cursor(REVISION)))


def session(session_id: str, **more: Any) -> Session:
    plain = {"app_id": "app", "meeting_id": "m", "title": "T", "started_at": T0}
    return Session(id=session_id, **(plain | {"created_at": T0, "updated_at": T0} | more))


def put(records: Records, *sessions: Session) -> None:
    def change(tx: Transaction) -> None:
        for one in sessions:
            tx.sessions.put_session(one)

    write(records, change)


def test_each_session_comes_once_as_it_is_now_in_the_order_of_its_last_change(
    records: Records,
) -> None:
    first, other = session("s1"), session("s2", app_id="another")
    put(records, first, other)
    put(records, session("s3"))
    put(records, again := replace(first, status=ENDED, ended_at=T0 + 5))

    found = changed(records, 0)

    assert [one for _, one in found] == [other, session("s3"), again]
    revisions = [revision for revision, _ in found]
    assert revisions == sorted(set(revisions))
    assert revisions[-1] == latest(records)


def test_only_what_changed_after_a_revision_comes_and_at_most_so_many(records: Records) -> None:
    put(records, *(session(f"s{at}") for at in range(5)))
    before = latest(records)
    put(records, *(session(f"t{at}") for at in range(5)))

    assert [one.id for _, one in changed(records, before)] == [f"t{at}" for at in range(5)]
    bite = changed(records, before, 2)
    assert [one.id for _, one in bite] == ["t0", "t1"]
    assert [one.id for _, one in changed(records, bite[-1][0], 2)] == ["t2", "t3"]
    assert changed(records, latest(records)) == []


def test_a_session_that_was_sealed_has_changed(records: Records) -> None:
    put(records, session("s1"), session("s2"))
    before = latest(records)
    digest = Digest(session_id="s1", app_id="app", started_at=T0, closed_ms=1, peers=())
    write(records, lambda tx: tx.digests.put(digest))

    assert [one.id for _, one in changed(records, before)] == ["s1"]


def test_what_was_rolled_back_never_comes(records: Records) -> None:
    put(records, session("s1"))
    before = latest(records)

    def fail(tx: Transaction) -> None:
        tx.sessions.put_session(session("s2"))
        raise RuntimeError("thought better of it")

    with pytest.raises(RuntimeError):
        write(records, fail)

    assert changed(records, before) == []
    assert [one.id for _, one in changed(records, 0)] == ["s1"]


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), max_size=12),
    st.integers(1, 4),
)
@settings(max_examples=30)
def test_whoever_follows_in_bites_knows_every_session_as_it_is(
    batches: list[list[int]], bite: int
) -> None:
    records: Records = SqlRecords(database := Database.open(":memory:"))
    known: dict[str, Session] = {}
    since = 0
    for at, batch in enumerate(batches):
        put(records, *(session(f"s{number}", title=f"T{at}") for number in batch))
        while found := changed(records, since, bite):
            since = found[-1][0]
            known |= {one.id: one for _, one in found}

    assert since == latest(records)
    assert known == {one.id: one for _, one in changed(records, 0)}
    database.close()
