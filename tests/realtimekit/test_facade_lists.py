"""Lists of sessions and of who was in them, against a model that sorts and slices plain lists."""

import random

import pytest
from facade_world import MINUTE, START, a_world
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.model.times import iso

TITLES = ("Weekly sync", "RETRO", "Über uns", "weekly Retro", "")


@pytest.fixture(scope="module")
def world():
    """Forty sessions of two meetings, some at the same moment, and some of another app."""
    dice = random.Random(7)
    with a_world() as made:
        for number in range(40):
            started = START + dice.randrange(8) * MINUTE
            ended = dice.choice((None, started + dice.randrange(1, 90) * MINUTE))
            used = dice.randrange(5) * MINUTE
            made.put_session(
                f"00000000-0000-4000-8000-{number:012d}",
                meeting_id=dice.choice(("m-one", "m-two")),
                title=dice.choice(TITLES),
                started_at=started,
                ended_at=ended,
                closed_ms=used,
                sort_ms=used,
                total_participants=dice.randrange(6),
            )
        made.put_session("of-another-app", app_id="other", ended_at=START + MINUTE)
        yield made


def every(world):
    return world.get("sessions", per_page=1000)["data"]["sessions"]


def expected(rows, asked):
    """The naive model: what a reader of contract 1.1 and 10 would do by hand."""
    least, _, most = asked.get("participants", ":").partition(":")
    wanted = asked.get("search", "").casefold()
    found = [
        row
        for row in rows
        if asked.get("associated_id") in (None, row["associated_id"])
        and asked.get("status") in (None, row["status"])
        and asked.get("start_time", "") <= row["started_at"]
        and row["started_at"] <= asked.get("end_time", "9")
        and int(least or 0) <= row["total_participants"] <= int(most or 99)
        and any(
            wanted in row[name].casefold()
            for name in ("meeting_display_name", "associated_id", "id")
        )
    ]
    key = "minutes_consumed" if asked.get("sort_by") == "minutesConsumed" else "started_at"
    down = asked.get("sort_order", "DESC") == "DESC"
    found.sort(key=lambda row: row["id"])
    found.sort(key=lambda row: row[key], reverse=down)
    size = int(float(asked.get("per_page", 20)))
    start = (max(1, int(float(asked.get("page_no", 1)))) - 1) * size
    return found, found[start : start + size], start


moments = st.integers(-1, 9).map(lambda minute: iso(START + minute * MINUTE))
questions = st.fixed_dictionaries(
    {},
    optional={
        "associated_id": st.sampled_from(["m-one", "m-two", "m-three"]),
        "status": st.sampled_from(["LIVE", "ENDED"]),
        "start_time": moments,
        "end_time": moments,
        "participants": st.sampled_from(["1:3", "2:2", "3:", ":1", ":"]),
        "search": st.sampled_from(["weekly", "retro", "über", "m-on", "0012", "nothing"]),
        "sort_by": st.sampled_from(["minutesConsumed", "createdAt"]),
        "sort_order": st.sampled_from(["ASC", "DESC"]),
        "page_no": st.sampled_from(["0", "1", "2", "3.0", "99"]),
        "per_page": st.sampled_from(["0", "1", "7", "20.0", "1000"]),
    },
)


@given(asked=questions)
@settings(max_examples=150, deadline=None)
def test_a_list_of_sessions_is_what_the_plain_model_says(world, asked):
    body = world.get("sessions", **asked)
    found, page, start = expected(every(world), asked)
    # Ties are broken by id; the model accepts either direction of the ids.
    key = "minutes_consumed" if asked.get("sort_by") == "minutesConsumed" else "started_at"

    shown = body["data"]["sessions"]
    assert [row[key] for row in shown] == [row[key] for row in page]
    assert {row["id"] for row in shown} <= {row["id"] for row in found}
    assert body["paging"] == {
        "total_count": len(found),
        "start_offset": start + 1 if page else 0,
        "end_offset": start + len(page) if page else 0,
    }


@pytest.mark.parametrize("sort_by", ["minutesConsumed", "createdAt"])
@pytest.mark.parametrize("sort_order", ["ASC", "DESC"])
def test_pages_never_overlap_and_miss_nothing(world, sort_by, sort_order):
    pages = [
        world.get("sessions", page_no=n, per_page=7, sort_by=sort_by, sort_order=sort_order)
        for n in range(1, 7)
    ]
    ids = [row["id"] for page in pages for row in page["data"]["sessions"]]

    assert len(ids) == len(set(ids)) == 40
    assert [page["paging"]["start_offset"] for page in pages] == [1, 8, 15, 22, 29, 36]
    assert pages[-1]["paging"]["end_offset"] == 40


def test_a_session_has_every_field_and_none_of_another_app(world):
    rows = every(world)

    assert len(rows) == 40
    assert {row["organization_id"] for row in rows} == {world.app_id}
    for row in rows:
        assert row["meta"] == {"room_name": row["associated_id"]}
        assert (row["ended_at"] is None) == (row["status"] == "LIVE")
        assert row["type"] == "meeting"
        assert "breakout_rooms" not in row


def test_minutes_of_a_live_session_run_on():
    with a_world() as world:
        world.put_session("s1", live_participants=2, live_since_sum=2 * START)
        world.clock.t += 3 * MINUTE + 1_234

        assert world.get("sessions/s1")["data"]["minutes_consumed"] == round(
            2 * (3 * MINUTE + 1_234) / 60_000, 4
        )


def test_details_are_flat_with_a_copy_under_session(world):
    session_id = every(world)[0]["id"]
    data = world.get(f"sessions/{session_id}")["data"]
    copy = data.pop("session")

    assert copy == data

    found_out = {name: data.pop(name) for name in ("findings", "verdict", "findings_model")}
    assert data == every(world)[0] | {name: data[name] for name in ("finding_counts", "outcome")}
    assert found_out["verdict"]["outcome"] == data["outcome"]


def test_breakout_rooms_come_recursively_and_only_when_asked_for():
    with a_world() as world:
        world.put_session("main", ended_at=START + MINUTE)
        world.put_session("left", ended_at=START + MINUTE, parent_session_id="main")
        world.put_session("inner", ended_at=START + MINUTE, parent_session_id="left")

        plain = world.get("sessions/main")["data"]
        asked = world.get("sessions/main", include_breakout_rooms="true")["data"]

        assert "breakout_rooms" not in plain
        (left,) = asked["breakout_rooms"]
        (inner,) = left["breakout_rooms"]
        assert (left["id"], left["parent_session_id"]) == ("left", "main")
        assert (inner["id"], inner["breakout_rooms"]) == ("inner", [])
        assert asked["session"]["breakout_rooms"] == asked["breakout_rooms"]


@pytest.fixture(scope="module")
def crowd():
    """Thirty peers of twelve people in one session; a third of them are still there."""
    dice = random.Random(11)
    with a_world() as made:
        made.put_session("s1")
        made.put_session("s2")
        made.clock.t = START + 60 * MINUTE
        for number in range(30):
            joined = START + dice.randrange(6) * MINUTE
            made.put_peer(
                "s1",
                f"peer-{number:02d}",
                joined_at=joined,
                left_at=dice.choice((None, joined + MINUTE, joined + 7 * MINUTE)),
                user_id=f"user-{number % 12}",
                display_name=dice.choice(("Alice", "BOB", "Zoë")),
            )
        made.put_peer("s2", "elsewhere")
        yield made


@given(
    asked=st.fixed_dictionaries(
        {},
        optional={
            "search": st.sampled_from(["alice", "bob", "zoë", "PEER-1", "custom-user-3", "nobody"]),
            "sort_by": st.sampled_from(["joinedAt", "duration"]),
            "sort_order": st.sampled_from(["ASC", "DESC"]),
            "page_no": st.sampled_from(["0", "1", "2", "9"]),
            "per_page": st.sampled_from(["0", "1", "4.0", "200"]),
        },
    )
)
@settings(max_examples=100, deadline=None)
def test_a_list_of_participants_is_what_the_plain_model_says(crowd, asked):
    rows = crowd.get("sessions/s1/participants", per_page=200)["data"]["participants"]
    wanted = asked.get("search", "").casefold()
    key = "duration" if asked.get("sort_by") == "duration" else "joined_at"
    found = [
        row
        for row in rows
        if any(
            wanted in row[name].casefold()
            for name in ("id", "custom_participant_id", "display_name")
        )
    ]
    found.sort(key=lambda row: row[key], reverse=asked.get("sort_order", "DESC") == "DESC")
    size = int(float(asked.get("per_page", 20)))
    start = (max(1, int(asked.get("page_no", 1))) - 1) * size
    page = found[start : start + size]

    body = crowd.get("sessions/s1/participants", **asked)

    assert len(rows) == 30
    assert [row[key] for row in body["data"]["participants"]] == [row[key] for row in page]
    assert body["paging"]["total_count"] == len(found)
    assert body["paging"] == body["data"]["paging"]


def test_participants_have_two_hundred_to_a_page_at_most(crowd):
    assert crowd.ask("GET", "sessions/s1/participants?per_page=200").status_code == 200
    assert crowd.ask("GET", "sessions/s1/participants?per_page=201").status_code == 422
    assert crowd.ask("GET", "sessions?per_page=1000").status_code == 200
    assert crowd.ask("GET", "sessions?per_page=1001").status_code == 422


def test_somebody_still_there_has_no_end_and_a_growing_duration(crowd):
    rows = crowd.get("sessions/s1/participants", per_page=200)["data"]["participants"]
    there = [row for row in rows if row["left_at"] is None]

    assert there
    for row in there:
        since = (60 - int(row["joined_at"][14:16])) * 1.0
        assert row["duration"] == since


def test_the_consolidated_view_has_one_row_a_person(crowd):
    raw = crowd.get("sessions/s1/participants", per_page=200)["data"]["participants"]
    people = crowd.get("sessions/s1/participants", view="consolidated", per_page=200)

    rows = {row["user_id"]: row for row in people["data"]["participants"]}
    assert people["paging"]["total_count"] == len(rows) == 12
    for user, row in rows.items():
        own = [peer for peer in raw if peer["user_id"] == user]
        leaves = [peer["left_at"] for peer in own]
        assert row["joined_at"] == min(peer["joined_at"] for peer in own)
        assert row["left_at"] == (None if None in leaves else max(leaves))
        assert row["duration"] == pytest.approx(sum(peer["duration"] for peer in own))
        assert row["id"] in {peer["id"] for peer in own}


def test_the_consolidated_view_pages_and_sorts_like_the_raw_one(crowd):
    pages = [
        crowd.get(
            "sessions/s1/participants",
            view="consolidated",
            sort_by="duration",
            sort_order="ASC",
            per_page=5,
            page_no=n,
        )
        for n in (1, 2, 3, 4)
    ]
    rows = [row for page in pages for row in page["data"]["participants"]]

    assert len({row["user_id"] for row in rows}) == len(rows) == 12
    assert [row["duration"] for row in rows] == sorted(row["duration"] for row in rows)
    assert pages[3]["paging"] == {"total_count": 12, "start_offset": 0, "end_offset": 0}
