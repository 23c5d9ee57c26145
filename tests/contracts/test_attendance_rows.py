"""What attendance and earlier versions of reports are kept in, in every adapter of the records."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from databases import database_of
from roomtone.model.attendance import MICROPHONE, RECEIVED, TalkTime
from roomtone.model.sessions import Session
from roomtone.ports.records import Records, StoredReport
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000
A, B = b"a" * 16, b"b" * 16


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Any) -> Any:
    return asyncio.run(records.write(change))


def read(records: Records, ask: Any) -> Any:
    return asyncio.run(records.read(ask))


def test_talk_times_are_replaced_and_taken_away_with_their_peer(records: Records) -> None:
    write(records, lambda tx: tx.talk.put_talk(A, "s1", TalkTime(5, MICROPHONE)))
    write(records, lambda tx: tx.talk.put_talk(B, "s1", TalkTime(6, RECEIVED)))
    write(records, lambda tx: tx.talk.put_talk(A, "s1", TalkTime(7, RECEIVED)))
    assert read(records, lambda tx: tx.talk.talks("s1")) == {
        A: TalkTime(7, RECEIVED),
        B: TalkTime(6, RECEIVED),
    }
    write(records, lambda tx: tx.talk.put_talk(B, "s1", None))
    write(records, lambda tx: tx.sessions.drop_peer(A))
    assert read(records, lambda tx: tx.talk.talks("s1")) == {}


def report(model: str, body: bytes) -> StoredReport:
    return StoredReport(
        subject=A,
        app_id="app",
        peer_id="p",
        session_id="s1",
        model=model,
        body=body,
        sealed_at=T0,
    )


def test_what_another_model_made_is_kept_as_the_previous_report(records: Records) -> None:
    def previous() -> StoredReport | None:
        found = read(records, lambda tx: tx.reports.previous_report("app", "p"))
        assert read(records, lambda tx: tx.reports.previous_report("other", "p")) is None
        return found

    for model, body, before in (
        ("one", b"1", None),
        ("one", b"1 after late facts", None),
        ("two", b"2", report("one", b"1 after late facts")),
        ("two", b"2 after late facts", report("one", b"1 after late facts")),
        ("three", b"3", report("two", b"2 after late facts")),
    ):
        made = report(model, body)
        write(records, lambda tx, it=made: tx.reports.put_report(it))
        assert previous() == before
    write(records, lambda tx: tx.reports.drop_report(A))
    assert previous() is None


def test_sessions_of_a_range_come_by_their_start_a_page_at_a_time(records: Records) -> None:
    made = [
        Session(
            id=f"s{number:02}",
            app_id="app",
            meeting_id="m" if number % 3 else "other",
            title="",
            started_at=T0 + number // 4,
            created_at=T0,
            updated_at=T0,
        )
        for number in range(40)
    ]

    def put(tx: Any) -> None:
        for session in reversed(made):
            tx.sessions.put_session(session)

    write(records, put)
    wanted = [one for one in made if one.meeting_id == "m" and T0 + 2 <= one.started_at <= T0 + 7]
    found: list[Session] = []
    after = (-1, "")
    while page := read(
        records,
        lambda tx, place=after: tx.sessions.started_between("m", T0 + 2, T0 + 7, place, 5),
    ):
        found += page
        after = (page[-1].started_at, page[-1].id)
    assert [replace(one, sort_ms=0) for one in found] == wanted
