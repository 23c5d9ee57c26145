"""Attendance equals what a naive second model counts, second by second."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.formats.attendance import HEADER, csv_header, csv_lines
from roomtone.formats.cells import as_meant, rows
from roomtone.formats.notebook import Notebook
from roomtone.model.attendance import CONSOLIDATED, RAW, TalkTime
from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.services.register import Register, covered_ms
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords

T0 = 1_767_225_600_000
NOW = 60
SECOND = 1000
PEOPLE = ("ann", "bob", "=cmd()")

stays = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.integers(0, 50),
        st.one_of(st.none(), st.integers(0, 9)),
        st.sampled_from(["main", "main", "room", "inner"]),
        st.one_of(st.none(), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=12,
)


class NoLive:
    """Nothing is folded: what talks is in the rows."""

    async def live_talk(self, session, peers):
        return {}


class Clock:
    def now(self):
        return T0 + NOW * SECOND

    def new_id(self):
        return "id"


def session(name, parent):
    return Session(
        id=name,
        app_id="app",
        meeting_id=f"meeting of {name}",
        title=name,
        started_at=T0,
        parent_session_id=parent,
        created_at=T0,
        updated_at=T0,
        sealed_at=T0,
    )


def peer(number, who, start, stayed, where):
    joined = T0 + start * SECOND
    left = None if stayed is None else joined + stayed * SECOND
    return Peer(
        subject=number.to_bytes(16, "big"),
        app_id="app",
        session_id=where,
        peer_id=f"p{number:02}",
        # In a breakout room a person has another user id and the same custom id.
        user_id=who if where == "main" else f"{who}-{where}",
        custom_participant_id=f"custom {who}",
        display_name=who,
        preset_name="",
        joined_at=joined,
        left_at=left,
        last_sign_at=joined,
        presence=Presence(joins=((joined, "call_join"),)),
        created_at=joined,
        updated_at=joined,
    )


def attended(told, view):
    async def main():
        database = Database.open(":memory:")
        records = SqlRecords(database)

        def put(tx):
            for name, parent in (("main", None), ("room", "main"), ("inner", "room")):
                tx.sessions.put_session(session(name, parent))
            for number, (who, start, stayed, where, talked) in enumerate(told):
                one = peer(number, who, start, stayed, where)
                tx.sessions.put_peer(one)
                if talked is not None:
                    talk = TalkTime(talked * SECOND, "microphone")
                    tx.talk.put_talk(one.subject, where, talk)

        await records.write(put)
        found = await Register(records, Clock(), NoLive()).of_session("app", "main", view)
        await asyncio.to_thread(database.close)
        return found

    return asyncio.run(main())


def seconds_of(told, who, places):
    """(seconds with one connection or more, seconds of all connections), counted one by one."""
    counts = [0] * 100
    for name, start, stayed, where, _ in told:
        if name == who and where in places:
            end = max(start, NOW) if stayed is None else start + stayed
            for second in range(start, end):
                counts[second] += 1
    return sum(1 for count in counts if count), sum(counts)


@settings(max_examples=60, deadline=None)
@given(stays)
def test_minutes_and_joins_equal_those_of_a_naive_model(told):
    in_main = {who for who, _, _, where, _ in told if where == "main"}
    everywhere = ("main", "room", "inner")
    found = {one.display_name: one for one in attended(told, CONSOLIDATED)}

    assert set(found) == in_main
    for who, one in found.items():
        mine = [each for each in told if each[0] == who]
        assert (one.present_ms // SECOND, one.connected_ms // SECOND) == seconds_of(
            told, who, everywhere
        )
        assert one.joins == len(mine)
        assert one.still_connected == any(stayed is None for _, _, stayed, _, _ in mine)
        assert one.first_joined_at == T0 + min(start for _, start, *_ in mine) * SECOND
        talked = [each[4] for each in mine if each[4] is not None]
        if talked:
            assert one.talk.ms == min(sum(talked) * SECOND, one.present_ms)
        else:
            assert one.talk is None
    assert [one.first_joined_at for one in attended(told, RAW)] == sorted(
        T0 + start * SECOND for _, start, _, where, _ in told if where == "main"
    )


@settings(max_examples=30, deadline=None)
@given(stays)
def test_a_spreadsheet_reads_back_what_was_told_and_runs_nothing(told):
    found = attended(told, RAW)
    lines = "".join([csv_header(), *csv_lines(found)])
    notebook = Notebook()
    read = [cells for _, cells in rows(iter(lines.splitlines(keepends=True)), notebook)]

    assert notebook.fault_count == 0
    assert read[0] == list(HEADER)
    assert all(len(cells) == len(HEADER) for cells in read)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cells in read for cell in cells)
    name = HEADER.index("display_name")
    assert [as_meant(cells[name]) for cells in read[1:]] == [one.display_name for one in found]


@pytest.mark.parametrize("ended_at", [30, 45])
def test_a_session_that_is_over_has_nobody_in_it(ended_at):
    async def main():
        database = Database.open(":memory:")
        records = SqlRecords(database)
        over = session("main", None)

        def put(tx):
            from msgspec.structs import replace

            at = T0 + ended_at * SECOND
            tx.sessions.put_session(replace(over, status=ENDED, ended_at=at))
            tx.sessions.put_peer(peer(1, "ann", 0, None, "main"))

        await records.write(put)
        found = await Register(records, Clock(), NoLive()).of_session("app", "main", RAW)
        await asyncio.to_thread(database.close)
        return found

    (one,) = asyncio.run(main())
    assert (one.still_connected, one.present_ms) == (False, ended_at * SECOND)


def test_time_is_covered_once_however_often_it_is_told():
    assert covered_ms([(0, 5), (0, 5), (3, 9), (20, 21)]) == 10
    assert covered_ms([]) == 0
