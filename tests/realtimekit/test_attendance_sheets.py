"""Attendance of a session and of a meeting over a range of time, as JSON and as CSV."""

import csv
import io

import pytest
from facade_world import MINUTE, START, a_world

from roomtone.model.attendance import MICROPHONE, RECEIVED, TalkTime
from roomtone.model.rooms import Meeting
from roomtone.model.times import iso
from roomtone.model.words import KeptSegment, Segment, Speaker, Spoken

DAY = 24 * 60 * MINUTE


@pytest.fixture
def world():
    with a_world() as made:
        yield made


def put_meeting(world, meeting_id="m1"):
    made = Meeting(
        id=meeting_id, app_id=world.app_id, title="Weekly", created_at=START, updated_at=START
    )
    world.write(lambda tx: tx.rooms.put_meeting(made))


def held(world, name, day=0, **fields):
    start = START + day * DAY
    return world.put_session(
        name,
        started_at=start,
        ended_at=start + 30 * MINUTE,
        sealed_at=start + 31 * MINUTE,
        **fields,
    )


def stayed(world, session, peer, minutes, talk=None, day=0, **fields):
    first, last = minutes
    start = START + day * DAY
    made = world.put_peer(
        session, peer, joined_at=start + first * MINUTE, left_at=start + last * MINUTE, **fields
    )
    if talk is not None:
        world.write(lambda tx: tx.talk.put_talk(made.subject, session, talk))
    return made


def rows(world, path, **asked):
    return world.get(path, **asked)["data"]["attendance"]


def test_a_person_is_one_row_over_rejoins_and_breakout_rooms(world):
    held(world, "main")
    held(world, "room", parent_session_id="main")
    stayed(world, "main", "p1", (0, 10), TalkTime(60_000, MICROPHONE), user_id="u1")
    stayed(world, "main", "p2", (8, 20), TalkTime(30_000, RECEIVED), user_id="u1")
    stayed(world, "room", "p3", (20, 25), user_id="u1")

    (one,) = rows(world, "sessions/main/attendance", view="consolidated")
    assert one == {
        "session_id": "main",
        "meeting_id": "m1",
        "meeting_display_name": "Weekly sync",
        "session_started_at": iso(START),
        "session_ended_at": iso(START + 30 * MINUTE),
        "user_id": "u1",
        "custom_participant_id": "custom-u1",
        "display_name": "P2",
        "peer_id": "p2",
        "first_joined_at": iso(START),
        "last_left_at": iso(START + 25 * MINUTE),
        "minutes": 25.0,
        "connected_minutes": 27.0,
        "joins": 3,
        "still_connected": False,
        "talk_time_s": 90.0,
        "talk_time_source": "received",
    }
    raw = rows(world, "sessions/main/attendance")
    assert [(row["peer_id"], row["minutes"], row["talk_time_s"]) for row in raw] == [
        ("p1", 10.0, 60.0),
        ("p2", 12.0, 30.0),
    ]


def test_nothing_tells_is_null_and_not_zero(world):
    held(world, "main")
    stayed(world, "main", "p1", (0, 10))

    (one,) = rows(world, "sessions/main/attendance")
    assert (one["talk_time_s"], one["talk_time_source"]) == (None, None)


def test_what_is_told_outlives_reports_and_journal(world):
    held(world, "main", trimmed_at=START + 99 * DAY)
    peer = stayed(world, "main", "p1", (0, 10), TalkTime(60_000, MICROPHONE))
    world.write(lambda tx: tx.reports.drop_report(peer.subject))

    (one,) = rows(world, "sessions/main/attendance")
    assert (one["minutes"], one["talk_time_s"]) == (10.0, 60.0)


def test_a_transcript_tells_where_no_level_does(world):
    held(world, "main")
    stayed(world, "main", "p1", (0, 10), user_id="u1")
    stayed(world, "main", "p2", (0, 10), user_id="u2")
    stayed(world, "main", "p3", (0, 10), TalkTime(7_000, MICROPHONE), user_id="u3")

    def put(tx):
        tx.words.put_spoken(
            Spoken(session_id="main", app_id=world.app_id, transcript_revision=2, changed_at=START)
        )
        for name, start, end in (("a", 10, 14), ("b", 12, 20), ("c", 30, 31)):
            said = Segment(
                id=name,
                speaker=Speaker(user_id="u1"),
                sentence="Words.",
                start_at=START + start * 1000,
                end_at=START + end * 1000,
            )
            kept = KeptSegment(id=name, segment=said, timed=True)
            tx.words.put_segment(world.app_id, "main", kept)

    world.write(put)
    found = {row["user_id"]: row for row in rows(world, "sessions/main/attendance")}
    told = {who: (row["talk_time_s"], row["talk_time_source"]) for who, row in found.items()}
    assert told == {
        "u1": (11.0, "transcript"),  # words that overlap are spoken once
        "u2": (0.0, "transcript"),
        "u3": (7.0, "microphone"),
    }


def test_a_live_session_is_told_as_far_as_it_goes(world):
    world.put_session("main")
    world.put_peer("main", "p1", joined_at=START)
    world.clock.t = START + 3 * MINUTE

    (one,) = rows(world, "sessions/main/attendance")
    assert (one["still_connected"], one["last_left_at"], one["minutes"]) == (True, None, 3.0)
    assert world.fold.asked == ["p1"]


def test_a_meeting_tells_the_sessions_of_a_range_by_their_start(world):
    put_meeting(world)
    for day in range(50):
        held(world, f"s{day:02}", day=day)
        stayed(world, f"s{day:02}", f"p{day:02}", (0, 5), day=day)
    held(world, "another", day=2, meeting_id="m2")

    asked = {"start_time": iso(START + 3 * DAY), "end_time": iso(START + 40 * DAY)}
    found = rows(world, "meetings/m1/attendance", **asked)
    assert [row["session_id"] for row in found] == [f"s{day:02}" for day in range(3, 41)]
    assert len(rows(world, "meetings/m1/attendance")) == 50
    assert rows(world, "meetings/m1/attendance", end_time=iso(START - DAY)) == []


def test_the_csv_has_what_the_json_has_and_runs_nowhere(world):
    put_meeting(world)
    held(world, "main")
    stayed(world, "main", "p1", (0, 5), display_name='=HYPERLINK("x")', user_id="u1")
    for path in ("sessions/main/attendance", "meetings/m1/attendance"):
        answer = world.ask("GET", path, params={"format": "csv"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.text.count("\r\n") == 2
        (line,) = csv.DictReader(io.StringIO(answer.text, newline=""))
        (told,) = rows(world, path)
        assert line["display_name"] == "'" + told["display_name"]
        assert line["still_connected"] == "false"
        assert line["talk_time_s"] == ""
        assert float(line["minutes"]) == told["minutes"] == 5.0
        assert list(line) == list(told)


def test_what_is_not_there_is_not_found_and_what_is_wrong_is_named(world):
    put_meeting(world)
    assert world.ask("GET", "sessions/nobody/attendance").status_code == 404
    assert world.ask("GET", "meetings/nobody/attendance").status_code == 404
    wrong = world.ask(
        "GET", "meetings/m1/attendance", params={"format": "xls", "view": "x", "end_time": "soon"}
    )
    assert wrong.status_code == 422
    assert {e["source"]["parameter"] for e in wrong.json()["errors"]} == {
        "format",
        "view",
        "end_time",
    }
    backwards = {"start_time": iso(START), "end_time": iso(START - 1)}
    assert world.ask("GET", "meetings/m1/attendance", params=backwards).status_code == 422
    elsewhere = world.path("meetings/m1/attendance", app_id="another")
    assert world.client.get(elsewhere, headers=world.bearer).status_code == 404


def test_a_head_says_the_same_without_the_rows(world):
    put_meeting(world)
    assert world.ask("HEAD", "meetings/m1/attendance").status_code == 200
