"""The one writer: who waits together commits together, and nobody suffers for a neighbour."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from roomtone.model.errors import Failed
from roomtone.storage import group_commit, pace
from roomtone.storage.connections import Connection
from roomtone.storage.database import Database


@pytest.fixture(params=["file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "test.db" if request.param == "file" else ":memory:")
    yield opened
    opened.close()


def named(name: str) -> Callable[[Connection], str]:
    def run(connection: Connection) -> str:
        connection.raw.execute("INSERT INTO cursors VALUES (?, 1)", (name,))
        return name

    return run


def names(connection: Connection) -> set[str]:
    return {name for (name,) in connection.raw.execute("SELECT name FROM cursors")}


class Statements:
    """Counts what SQLite is told, from inside the writer."""

    def __init__(self, database: Database) -> None:
        self.texts: list[str] = []
        asyncio.run(database.write(lambda c: c.raw.set_trace_callback(self.texts.append)))
        self.texts.clear()

    def count(self, text: str) -> int:
        return self.texts.count(text)


async def held(database: Database, *waiting: Any) -> list[Any]:
    """Queue all of these while the writer is busy, so that they make one group."""
    gate = threading.Event()
    first = asyncio.create_task(database.write(lambda _: gate.wait()))
    await asyncio.sleep(0.02)
    others = [asyncio.ensure_future(one) for one in waiting]
    await asyncio.sleep(0.02)
    gate.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


def test_a_write_is_there_when_it_returns(database: Database) -> None:
    async def story() -> None:
        assert await database.write(named("a")) == "a"
        assert database.peek(names) == {"a"}
        assert await database.read(names) == {"a"}

    asyncio.run(story())


def test_writes_that_wait_together_share_one_commit(database: Database) -> None:
    statements = Statements(database)
    wanted = [f"w{n}" for n in range(50)]
    answers = asyncio.run(held(database, *(database.write(named(name)) for name in wanted)))
    assert answers == wanted
    assert statements.count("COMMIT") == 2  # the one that kept the writer busy, and all others
    assert database.peek(names) == set(wanted)


def test_a_write_that_fails_is_undone_and_harms_no_neighbour(database: Database) -> None:
    def fails(connection: Connection) -> None:
        named("undone")(connection)
        raise LookupError("mine")

    waiting = [database.write(named("a")), database.write(fails), database.write(named("b"))]
    answers = asyncio.run(held(database, *waiting))
    assert answers[0] == "a"
    assert isinstance(answers[1], LookupError)
    assert answers[2] == "b"
    assert database.peek(names) == {"a", "b"}


def test_a_write_that_breaks_a_constraint_gets_its_own_error_through_either_door(
    database: Database,
) -> None:
    def twice(connection: Connection) -> None:
        connection.core.execute(sa.text("INSERT INTO cursors VALUES ('a', 2)"))

    waiting = [database.write(named("a")), database.write(named("a")), database.write(twice)]
    first, second, third = asyncio.run(held(database, *waiting))
    assert first == "a"
    assert isinstance(second, sqlite3.IntegrityError)
    assert isinstance(third, sa.exc.IntegrityError)


def test_stop_iteration_reaches_whoever_waits_as_an_error(database: Database) -> None:
    with pytest.raises(RuntimeError):
        asyncio.run(database.write(lambda _: next(iter(()))))
    assert asyncio.run(database.write(named("goes on"))) == "goes on"


def many(connection: Connection, items: list[str]) -> list[int]:
    connection.raw.executemany("INSERT INTO cursors VALUES (?, 1)", [(item,) for item in items])
    return [len(items)] * len(items)


def test_items_for_one_function_are_handed_over_together(database: Database) -> None:
    waiting = [database.write_together(many, f"i{n}") for n in range(20)]
    answers = asyncio.run(held(database, *waiting, database.write(named("other"))))
    assert answers == [*[20] * 20, "other"]


def test_when_the_many_fail_each_is_tried_alone(database: Database) -> None:
    waiting = [database.write_together(many, item) for item in ("a", "b", "a", "c")]
    answers = asyncio.run(held(database, *waiting))
    assert answers[:2] == [1, 1]
    assert isinstance(answers[2], sqlite3.IntegrityError)
    assert answers[3] == 1
    assert database.peek(names) == {"a", "b", "c"}


def test_a_full_disk_fails_the_whole_group_with_a_hint_and_passes(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "small.db")

    def limit(connection: Connection) -> None:
        (pages,) = connection.raw.execute("PRAGMA page_count").fetchone()
        connection.raw.execute(f"PRAGMA max_page_count = {pages + 8}")

    def large(connection: Connection) -> None:
        connection.raw.execute("CREATE TABLE IF NOT EXISTS large (body BLOB)")
        connection.raw.execute("INSERT INTO large VALUES (zeroblob(1000000))")

    async def story() -> list[Any]:
        await database.write(limit)
        return await held(database, database.write(named("a")), database.write(large))

    neighbour, culprit = asyncio.run(story())
    assert isinstance(culprit, Failed)
    assert "space" in culprit.hint
    # Either SQLite undid one statement, or everything: nobody is told a lie.
    assert neighbour == "a" or isinstance(neighbour, Failed)
    assert ("a" in database.peek(names)) == (neighbour == "a")
    assert asyncio.run(database.write(named("afterwards"))) == "afterwards"
    database.close()


def test_a_transaction_that_sqlite_gave_up_fails_for_all_who_shared_it(database: Database) -> None:
    def gives_up(connection: Connection) -> None:
        connection.raw.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    waiting = [database.write(named("a")), database.write(gives_up), database.write(named("b"))]
    answers = asyncio.run(held(database, *waiting))
    assert all(isinstance(answer, Exception) for answer in answers)
    assert database.peek(names) == set()
    assert asyncio.run(database.write(named("goes on"))) == "goes on"


def test_a_missing_folder_and_a_file_that_is_no_database_teach(tmp_path: Path) -> None:
    with pytest.raises(Failed) as missing:
        Database.open(tmp_path / "nowhere" / "test.db")
    assert "data folder" in missing.value.hint
    (tmp_path / "text.db").write_text("this is not a database, but some text" * 100)
    with pytest.raises(Failed) as text:
        Database.open(tmp_path / "text.db")
    assert "no database" in text.value.hint


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    Database.open(tmp_path / "test.db").close()
    assert (tmp_path / "test.db").stat().st_mode & 0o777 == 0o600


def test_too_many_waiting_writes_are_refused_with_a_hint(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MAX_WAITING", 3)
    answers = asyncio.run(held(database, *(database.write(named(f"{n}")) for n in range(5))))
    assert answers[:3] == ["0", "1", "2"]
    assert all(isinstance(answer, Failed) and answer.hint for answer in answers[3:])


def test_whoever_stops_waiting_takes_nobody_along(database: Database) -> None:
    async def story() -> None:
        gate = threading.Event()
        busy = asyncio.create_task(database.write(lambda _: gate.wait()))
        impatient = asyncio.create_task(database.write(named("impatient")))
        patient = asyncio.create_task(database.write(named("patient")))
        await asyncio.sleep(0.02)
        impatient.cancel()
        await asyncio.sleep(0)
        gate.set()
        await busy
        assert await patient == "patient"
        assert impatient.cancelled()

    asyncio.run(story())


def test_a_loop_that_ended_does_not_stop_the_writer(database: Database) -> None:
    async def leaves() -> None:
        waiting = asyncio.ensure_future(database.write(lambda _: time.sleep(0.05)))
        await asyncio.sleep(0.01)
        waiting.cancel()

    asyncio.run(leaves())
    assert asyncio.run(database.write(named("next loop"))) == "next loop"


def test_close_finishes_what_was_asked_for_and_refuses_the_rest(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "test.db")

    async def story() -> None:
        waiting = [asyncio.create_task(database.write(named(f"{n}"))) for n in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(database.close)
        assert len(await asyncio.gather(*waiting)) == 100
        with pytest.raises(Failed):
            await database.write(named("too late"))

    asyncio.run(story())
    again = Database.open(tmp_path / "test.db")
    assert len(again.peek(names)) == 100
    again.close()


def test_a_read_sees_one_moment_though_others_write_meanwhile(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "test.db")
    written = threading.Event()

    def twice(connection: Connection) -> tuple[set[str], set[str]]:
        before = names(connection)
        assert written.wait(5)
        return before, names(connection)

    async def story() -> None:
        reading = asyncio.create_task(database.read(twice))
        await asyncio.sleep(0.05)
        await database.write(named("meanwhile"))
        written.set()
        before, after = await reading
        assert before == after == set()

    asyncio.run(story())
    database.close()


def test_nobody_sees_what_is_not_committed(database: Database) -> None:
    async def story() -> None:
        inside = threading.Event()

        def slow(connection: Connection) -> None:
            named("slow")(connection)
            inside.set()
            time.sleep(0.1)
            connection.raw.execute("DELETE FROM cursors")

        writing = asyncio.create_task(database.write(slow))
        await asyncio.to_thread(inside.wait)
        assert database.peek(names) == set()
        await writing

    asyncio.run(story())


def test_a_database_that_another_process_holds_fails_with_a_hint_and_recovers(
    tmp_path: Path,
) -> None:
    database = Database.open(tmp_path / "test.db")

    def impatient(connection: Connection) -> None:
        connection.raw.execute("PRAGMA busy_timeout = 10")

    asyncio.run(database.write(impatient))
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Failed) as failed:
        asyncio.run(database.write(named("a")))
    assert "Another process" in failed.value.hint
    other.execute("ROLLBACK")
    assert asyncio.run(database.write(named("a"))) == "a"
    other.close()
    database.close()


def test_nobody_lines_up_behind_a_write_that_takes_too_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        begun, over = threading.Event(), threading.Event()

        def hold(_: Connection) -> None:
            begun.set()
            over.wait()

        stuck = asyncio.create_task(database.write(hold))
        await asyncio.to_thread(begun.wait)
        waits = asyncio.create_task(database.write(named("in time")))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(pace, "LATE_S", 0.05)
        for refused in (database.write(named("late")), database.check_writes()):
            with pytest.raises(Failed, match="under way for 0 s") as failed:
                await asyncio.wait_for(refused, 1)
            assert "disk" in failed.value.hint
        over.set()
        await stuck
        assert await waits == "in time"
        assert await database.write(named("again")) == "again"
        await database.check_writes()

    asyncio.run(story())
    assert database.peek(names) == {"in time", "again"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_ended_is_told_instead_of_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(tmp_path / "test.db")

    def unforeseen(jobs: list[Any]) -> None:
        raise AssertionError

    monkeypatch.setattr(group_commit, "_tell", unforeseen)
    writer = next(one for one in threading.enumerate() if one.name == "roomtone-writer")

    async def story() -> None:
        lost = asyncio.create_task(database.write(named("first")))
        await asyncio.to_thread(writer.join, 5)
        for refused in (database.write(named("second")), database.check_writes()):
            with pytest.raises(Failed, match="Nothing can be written") as failed:
                await asyncio.wait_for(refused, 1)
            assert "Restart" in failed.value.hint
        lost.cancel()

    asyncio.run(story())
    database.close()


def test_the_writer_survives_that_the_loop_takes_what_it_was_to_be_called_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop, late with the first call, takes what is gathered while the writer is about to call
    it a second time."""
    database = Database.open(tmp_path / "test.db")
    gate, calls_again, taken = threading.Event(), threading.Event(), threading.Event()
    calls: list[None] = []

    def slow(*errors: type[BaseException]) -> AbstractContextManager[None]:
        if threading.current_thread().name == "roomtone-writer":
            calls.append(None)
            if len(calls) == 2:
                calls_again.set()
                taken.wait(5)
        return suppress(*errors)

    def takes(connection: Connection, items: list[str]) -> list[int]:
        taken.set()
        return many(connection, items)

    async def story() -> None:
        first = asyncio.create_task(database.write(lambda _: gate.wait(5)))
        await asyncio.sleep(0.02)
        gathered = asyncio.create_task(database.write_together(takes, "gathered"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(database.write(named("second")))
        await asyncio.sleep(0.02)
        monkeypatch.setattr(group_commit, "suppress", slow)
        gate.set()
        assert calls_again.wait(5)  # holds the loop up
        answers = await asyncio.wait_for(asyncio.gather(first, gathered, second), 5)
        assert list(answers) == [True, 1, "second"]

    asyncio.run(story())
    assert database.peek(names) == {"gathered", "second"}
    database.close()
