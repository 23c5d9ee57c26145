"""People over rejoins and breakout rooms, and the events that tell of them."""

import pytest
from facade_world import MINUTE, START, a_world

from roomtone.model.presence import Presence


@pytest.fixture
def world():
    with a_world() as made:
        made.put_session("main", ended_at=START + 30 * MINUTE)
        made.put_session("room", ended_at=START + 30 * MINUTE, parent_session_id="main")
        made.put_session("inner", ended_at=START + 30 * MINUTE, parent_session_id="room")
        yield made


def stayed(world, session, peer, minutes, **fields):
    first, last = minutes
    return world.put_peer(
        session, peer, joined_at=START + first * MINUTE, left_at=START + last * MINUTE, **fields
    )


def people(world, **asked):
    body = world.get("sessions/main/participants", view="consolidated", **asked)
    return {row["custom_participant_id"]: row for row in body["data"]["participants"]}


def test_breakout_rooms_count_for_the_same_person_under_another_user_id(world):
    stayed(world, "main", "p1", (0, 5), user_id="u1", custom_participant_id="alice")
    stayed(world, "room", "p2", (5, 12), user_id="u2", custom_participant_id="alice")
    stayed(world, "inner", "p3", (12, 13), user_id="u3", custom_participant_id="alice")
    stayed(world, "main", "p4", (14, 20), user_id="u1", custom_participant_id="alice")

    assert people(world)["alice"] | {"created_at": "", "updated_at": ""} == {
        "id": "p4",
        "user_id": "u1",
        "custom_participant_id": "alice",
        "display_name": "P4",
        "preset_name": "group_call_host",
        "joined_at": "2026-01-01T00:00:00.000Z",
        "left_at": "2026-01-01T00:20:00.000Z",
        "duration": 19.0,
        "created_at": "",
        "updated_at": "",
    }


def test_a_custom_id_that_two_people_share_adds_nothing_to_either(world):
    stayed(world, "main", "p1", (0, 5), user_id="u1", custom_participant_id="guest")
    stayed(world, "main", "p2", (0, 6), user_id="u2", custom_participant_id="guest")
    stayed(world, "room", "p3", (6, 9), user_id="u3", custom_participant_id="guest")

    body = world.get("sessions/main/participants", view="consolidated")
    durations = {row["user_id"]: row["duration"] for row in body["data"]["participants"]}
    assert durations == {"u1": 5.0, "u2": 6.0}


def test_who_was_only_in_a_breakout_room_is_not_a_participant_of_the_session(world):
    stayed(world, "main", "p1", (0, 5), custom_participant_id="alice")
    stayed(world, "room", "p2", (6, 9), custom_participant_id="bob")

    assert list(people(world)) == ["alice"]


def test_the_raw_view_knows_nothing_of_breakout_rooms(world):
    stayed(world, "main", "p1", (0, 5), custom_participant_id="alice")
    stayed(world, "room", "p2", (5, 9), custom_participant_id="alice")
    rows = world.get("sessions/main/participants")["data"]["participants"]

    assert [(row["id"], row["duration"]) for row in rows] == [("p1", 5.0)]


def test_a_search_finds_people_by_any_of_their_peers(world):
    stayed(world, "main", "p1", (0, 5), custom_participant_id="alice")
    stayed(world, "room", "p2-in-the-room", (5, 9), custom_participant_id="alice")

    assert list(people(world, search="IN-THE")) == ["alice"]
    assert people(world, search="bob") == {}


def events(world, **asked):
    asked = {"include_peer_events": "true", **asked}
    rows = world.get("sessions/main/participants", **asked)["data"]["participants"]
    return [event for row in rows for event in row["peer_events"]]


def test_a_peer_is_created_joins_and_leaves(world):
    stayed(world, "main", "p1", (1, 5))
    told = events(world)

    assert [(event["event_name"], event["created_at"][14:16]) for event in told] == [
        ("PEER_CREATED", "01"),
        ("PEER_JOINING", "01"),
        ("PEER_LEAVING", "05"),
    ]
    assert [event["minutes_consumed"] for event in told] == [0, 0, 4]
    assert len({event["id"] for event in told}) == 3
    for event in told:
        assert event["peer_id"] == "p1"
        assert event["session_id"] == "main"
        assert event["preset_view_type"] == "GROUP_CALL"
    assert events(world) == told


def test_the_minutes_of_all_events_add_up_to_the_duration(world):
    def at(*minutes):
        return tuple((START + minute * MINUTE, "call_join") for minute in minutes)

    # Joined, left, came back twice (once without having left), left for good.
    presence = Presence(joins=at(0, 6, 8), leaves=at(4, 15), last_media_t=START + 14 * MINUTE)
    peer = stayed(world, "main", "p1", (0, 15), presence=presence)
    told = events(world)

    assert [event["event_name"][5:] for event in told] == [
        *("CREATED", "JOINING", "LEAVING"),
        *("JOINING", "JOINING", "LEAVING"),
    ]
    assert sum(event["minutes_consumed"] for event in told) == peer.duration_ms(0) / MINUTE


def test_somebody_still_there_has_not_left(world):
    world.put_peer("main", "p1")

    assert [event["event_name"] for event in events(world)] == ["PEER_CREATED", "PEER_JOINING"]


def test_a_person_has_the_events_of_all_their_peers(world):
    stayed(world, "main", "p1", (0, 5), custom_participant_id="alice")
    stayed(world, "room", "p2", (5, 9), custom_participant_id="alice")
    told = events(world, view="consolidated")

    assert [event["peer_id"] for event in told] == ["p1"] * 3 + ["p2"] * 3


def test_a_preset_that_is_gone_has_no_view_type(world):
    stayed(world, "main", "p1", (0, 5), preset_name="long-deleted")

    assert {event["preset_view_type"] for event in events(world)} == {None}
