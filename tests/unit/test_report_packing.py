"""Packed reports: the same JSON comes back, byte for byte, in a fraction of the room."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorded_calls import call_facts, reports
from roomtone.jobs.packing import DuePacking
from roomtone.model.errors import Failed
from roomtone.ports.records import StoredReport
from roomtone.services.packing import AFTER_MS, REPORTS_A_BITE, ReportPacker
from roomtone.services.shelves import body_of
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords
from roomtone.storage.report_packing import pack_report, unpack_report

T0 = 1_700_000_000_000


def zipped(value: Any) -> bytes:
    return gzip.compress(msgspec.json.encode(value), mtime=0)


# --- the bytes ------------------------------------------------------------------------------------

texts = st.text(max_size=6) | st.sampled_from(
    ["2026-01-01T00:00:00.000Z", "2026-01-01T23:59:59.999Z", "2026-13-01T00:00:00.000Z", "a", "b"]
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.integers(0, 9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 0.1, 1e300]),
    texts,
)
names = st.sampled_from(["timestamp", "a", "b", "a.b", "", "type", "inner"])
rows = st.dictionaries(
    names, values | st.dictionaries(names, values, max_size=2) | st.lists(values, max_size=2)
)
anything = st.recursive(
    values | st.lists(rows, max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
)


@settings(deadline=None)
@given(anything)
def test_whatever_is_packed_comes_back_as_it_was(value: Any) -> None:
    body = zipped(value)
    packed = pack_report(body)
    assert packed is None or unpack_report(packed) == body


columns = st.sampled_from(
    [
        st.none() | st.floats(0, 9),
        st.integers(-9, 1 << 60),
        st.sampled_from("xyz"),
        st.booleans(),
        texts,
    ]
)


@settings(deadline=None)
@given(st.lists(columns, min_size=1, max_size=5), st.data())
def test_a_table_of_such_columns_is_packed(kinds: list[Any], data: Any) -> None:
    like = {f"n{place}": kind for place, kind in enumerate(kinds)}
    many = st.lists(st.fixed_dictionaries({}, optional=like), min_size=8, max_size=40)
    body = zipped({"rows": data.draw(many), "again": [data.draw(many)]})
    packed = pack_report(body)
    assert packed is not None
    assert unpack_report(packed) == body


@pytest.mark.parametrize("body", [b"", b"x", zipped({})[:-9], gzip.compress(b"no JSON", mtime=0)])
def test_what_is_no_report_is_left_as_it_is(body: bytes) -> None:
    assert pack_report(body) is None
    assert unpack_report(body) == body


def test_json_that_nobody_here_writes_is_left_as_it_is() -> None:
    for text in (b'{"a": 1}', b'{"a":1.50}', b'{"a":1,"a":2}', b'{"a":123456789012345678901234}'):
        assert pack_report(gzip.compress(text)) is None


@pytest.mark.parametrize(("name", "share"), [("mesh3-clean", 0.66), ("lossy", 0.85)])
def test_the_report_of_half_a_minute_of_a_real_call_is_smaller_already(
    name: str, share: float
) -> None:
    for report in reports(call_facts(name)).values():
        body = body_of(report)
        packed = pack_report(body)
        assert packed is not None
        assert unpack_report(packed) == body
        assert len(packed) < share * len(body)


def hours(count: int) -> bytes:
    """Readings of two streams, as many each."""
    readings = [
        {
            "timestamp": f"2026-01-01T{n // 720:02}:{n // 12 % 60:02}:{n % 12 * 5:02}.{n % 7:03}Z",
            "consumer_id": consumer,
            "rtt": (n * 7919 % 101) / 1000,
            "packets": 500 + n * 31 % 17,
        }
        for n in range(count)
        for consumer in ("one", "other")
    ]
    short = [{"at": one["timestamp"], "packets": one["packets"]} for one in readings]
    return zipped({"readings": readings, "again": short})


def test_what_is_told_twice_is_kept_once() -> None:
    whole = json.loads(gzip.decompress(hours(400)))
    twice, once = pack_report(hours(400)), pack_report(zipped({"readings": whole["readings"]}))
    assert twice is not None
    assert once is not None
    assert len(twice) < len(once) + 100


PACKED = (
    "5252014fa2705892c4a028b52ffd600400b5040024069291970c000095a46491950001020304c095920402940101"
    "a161a162930203029505010b03029302010282a161d5010000a16292b8323032362d30315430303a2e3030305aa1"
    "61cb0000a16481a43531623f50624dd2f1a9fc013ff80000000000001400a00438062d03b200705910a1a36047d3"
    "1cb7803b8663c56e600d5aa203be80b17222e7e4304e9f1db1064e1c0edea68cc44828b52ffd2060fd010032830b"
    "17c06718035e628177f96b6fcf7df5bffa6b9f7fbd11b9533f67cd170788a541f8e0aac5a8b57c421423829ee4d8"
    "05003b37ae69065ccc2daccd6101"
)


def test_what_was_packed_by_the_first_version_is_read() -> None:
    readings = [
        {
            "timestamp": f"2026-01-01T00:00:{5 * n:02}.{n:03}Z",
            "producer_id": "ab"[n % 2],
            "rtt": n / 1000,
            "lost": None if n == 3 else n,
            "d": {"none": 1.5 * n},
        }
        for n in range(12)
    ]
    read = gzip.decompress(unpack_report(bytes.fromhex(PACKED)))
    assert json.loads(read) == {"a": readings, "b": readings[:2]}


@settings(deadline=None)
@given(st.data())
def test_damage_is_a_failure_with_a_hint_and_never_another_report(data: Any) -> None:
    whole = bytearray(bytes.fromhex(PACKED))
    at = data.draw(st.integers(3, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Failed) as failed:
        unpack_report(bytes(whole))
    assert failed.value.hint


# --- which are packed, and when -------------------------------------------------------------------


class Clock:
    t = T0

    def now(self) -> int:
        return self.t

    def new_id(self) -> str:
        return "id"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "test.db")
    yield database
    database.close()


def stored(number: int, body: bytes, sealed_at: int) -> StoredReport:
    return StoredReport(
        subject=number.to_bytes(16),
        app_id="app",
        peer_id=f"p{number}",
        session_id="s",
        model="m",
        body=body,
        sealed_at=sealed_at,
    )


def test_what_was_sealed_days_ago_is_packed_and_reads_as_before(database: Database) -> None:
    records, clock = SqlRecords(database), Clock()
    many = 2 * REPORTS_A_BITE + 3
    old = [stored(number, hours(20 + number), T0) for number in range(many)]
    fresh = stored(many, hours(20), T0 + 1)
    odd = stored(many + 1, b"no gzip", T0)

    def lengths() -> dict[str, int]:
        rows = database.peek(
            lambda c: c.raw.execute("SELECT peer_id, length(body) FROM reports").fetchall()
        )
        return dict(map(tuple, rows))

    async def life() -> list[int]:
        for one in (*old, fresh, odd):
            await records.write(lambda tx, it=one: tx.reports.put_report(it))  # type: ignore[misc]
        packing = DuePacking(ReportPacker(records, clock, pack_report))
        before = lengths()
        counts = [await packing.round()]
        clock.t = T0 + AFTER_MS + 1
        counts.append(await packing.round())
        after = lengths()
        assert all(after[one.peer_id] < before[one.peer_id] for one in old)
        assert all(after[one.peer_id] == before[one.peer_id] for one in (fresh, odd))
        counts.append(await packing.round())
        return counts

    assert asyncio.run(life()) == [0, many + 1, 0]
    for one in (*old, fresh, odd):
        assert records.peek(lambda tx, it=one: tx.reports.report("app", it.peer_id)) == one  # type: ignore[misc]
