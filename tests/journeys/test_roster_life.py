"""Who is where, told by a running server, also by one that was killed in the middle."""

from typing import Any

from journey_server import JourneyServer, Person, Serve, new_peer, now_ms, wait_for


def say(person: Person, peer_id: str, event: str, t: int | None = None) -> int:
    """One event; the status."""
    entry = {"event": event, "timestamp": now_ms() if t is None else t}
    return person.collect({"peer_id": peer_id, "entries": [entry]}).status_code


def numbers(server: JourneyServer, meeting: str) -> tuple[str, int, int, int] | None:
    """(status, live, peak, people) of its latest session."""
    found = server.sessions(meeting)
    if not found:
        return None
    one = found[0]
    return (
        one["status"],
        one["live_participants"],
        one["max_concurrent_participants"],
        one["total_participants"],
    )


def becomes(server: JourneyServer, meeting: str, *wanted: Any) -> dict[str, Any]:
    """Wait for these numbers; the session."""
    wait_for(f"{wanted}", lambda: numbers(server, meeting) == wanted)
    return server.sessions(meeting)[0]


def reason(server: JourneyServer, peer_id: str) -> str | None:
    """Why a peer left, as the row has it."""
    ((found,),) = server.rows("SELECT left_reason FROM peers WHERE peer_id = ?", peer_id)
    return None if found is None else str(found)


def test_live_counts_follow_who_comes_and_goes(server: JourneyServer) -> None:
    meeting = server.meeting()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    a, b = new_peer(), new_peer()
    assert server.sessions(meeting) == []
    say(alice, a, "call_join")
    becomes(server, meeting, "LIVE", 1, 1, 1)
    say(bob, b, "call_join")
    session = becomes(server, meeting, "LIVE", 2, 2, 2)
    assert server.get(f"/meetings/{meeting}/active-session")["id"] == session["id"]
    say(bob, b, "disconnect")
    becomes(server, meeting, "LIVE", 1, 2, 2)
    say(alice, a, "disconnect")
    session = becomes(server, meeting, "LIVE", 0, 2, 2)  # the keep-alive goes on for a minute
    rows = server.participants(session["id"], include_peer_events=True)
    assert [row["id"] for row in rows] == [a, b]
    assert all(row["left_at"] is not None for row in rows)
    assert [event["event_name"] for event in rows[0]["peer_events"]] == [
        "PEER_CREATED",
        "PEER_JOINING",
        "PEER_LEAVING",
    ]


def test_minutes_are_the_sum_over_the_peers(server: JourneyServer) -> None:
    meeting, now = server.meeting(), now_ms()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    a, b = new_peer(), new_peer()
    for person, peer_id, joined, left in ((alice, a, 90_000, 30_000), (bob, b, 60_000, 15_000)):
        say(person, peer_id, "call_join", now - joined)
        say(person, peer_id, "disconnect", now - left)
    session = becomes(server, meeting, "LIVE", 0, 2, 2)
    assert session["minutes_consumed"] == round((60_000 + 45_000) / 60_000, 4)
    durations = {row["id"]: row["duration"] for row in server.participants(session["id"])}
    assert durations == {a: 1.0, b: 0.75}


def test_an_inactive_meeting_lets_nobody_in_and_nobody_out(server: JourneyServer) -> None:
    meeting = server.meeting()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    a, b = new_peer(), new_peer()
    say(alice, a, "call_join")
    becomes(server, meeting, "LIVE", 1, 1, 1)
    server.ask("PATCH", f"/meetings/{meeting}", json={"status": "INACTIVE"}).raise_for_status()
    assert say(bob, b, "call_join") == 403
    assert say(alice, a, "audio_on") == 202
    becomes(server, meeting, "LIVE", 1, 1, 1)
    server.ask("PATCH", f"/meetings/{meeting}", json={"status": "ACTIVE"}).raise_for_status()
    assert say(bob, b, "call_join") == 202
    becomes(server, meeting, "LIVE", 2, 2, 2)


def test_who_is_kicked_is_out_until_they_join_again(server: JourneyServer) -> None:
    meeting = server.meeting()
    people = {name: server.invite(meeting, name) for name in ("alice", "bob", "carol")}
    peers = {name: new_peer() for name in people}
    kick = f"/meetings/{meeting}/active-session/kick"
    nobody = server.ask("POST", kick, json={"participant_ids": [people["bob"].user_id]})
    assert nobody.status_code == 404
    for name, person in people.items():
        say(person, peers[name], "call_join")
    becomes(server, meeting, "LIVE", 3, 3, 3)
    kicked = server.post(kick, {"custom_participant_ids": ["custom-bob"]})
    assert [one["id"] for one in kicked["participants"]] == [people["bob"].user_id]
    becomes(server, meeting, "LIVE", 2, 3, 3)
    assert reason(server, peers["bob"]) == "kicked"
    # The page notices, and says so; that brings nobody back.
    say(people["bob"], peers["bob"], "audio_off")
    say(people["bob"], peers["bob"], "disconnect")
    becomes(server, meeting, "LIVE", 2, 3, 3)
    assert server.ask("POST", kick, json={"participant_ids": [peers["bob"]]}).status_code == 404
    assert say(people["bob"], peers["bob"], "call_join") == 202
    becomes(server, meeting, "LIVE", 3, 3, 3)
    server.post(kick, {"participant_ids": [people["carol"].user_id]})
    becomes(server, meeting, "LIVE", 2, 3, 3)


def test_kicking_all_ends_the_session_and_the_next_join_begins_another(
    server: JourneyServer,
) -> None:
    meeting = server.meeting()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    a, b = new_peer(), new_peer()
    say(alice, a, "call_join")
    say(bob, b, "call_join")
    first = becomes(server, meeting, "LIVE", 2, 2, 2)
    assert server.post(f"/meetings/{meeting}/active-session/kick-all") == {
        "action": "kick-all",
        "kicked_participants_count": 2,
    }
    ended = becomes(server, meeting, "ENDED", 0, 2, 2)
    assert ended["id"] == first["id"]
    assert ended["ended_at"] is not None
    assert {reason(server, a), reason(server, b)} == {"host_ended"}
    why = server.rows("SELECT end_reason FROM sessions WHERE id = ?", first["id"])
    assert why == [("HOST_ENDED_MEETING",)]
    assert server.ask("GET", f"/meetings/{meeting}/active-session").status_code == 404
    assert server.ask("POST", f"/meetings/{meeting}/active-session/kick-all").status_code == 404
    # A page that was closing when it happened changes nothing of that.
    say(alice, a, "disconnect")
    say(alice, new_peer(), "call_join")
    second = becomes(server, meeting, "LIVE", 1, 1, 1)
    assert second["id"] != first["id"]
    assert [one["id"] for one in server.sessions(meeting)] == [second["id"], first["id"]]
    server.wait_until_sealed()
    for peer_id in (a, b):
        assert server.report(peer_id)["left_at"] is not None


def test_somebody_who_comes_back_is_another_peer_of_the_same_person(
    server: JourneyServer,
) -> None:
    meeting, now = server.meeting(), now_ms()
    alice = server.invite(meeting, "alice")
    first, second = new_peer(), new_peer()
    say(alice, first, "call_join", now - 60_000)
    say(alice, first, "disconnect", now - 45_000)
    say(alice, second, "call_join", now - 30_000)
    say(alice, second, "disconnect", now)
    session = becomes(server, meeting, "LIVE", 0, 1, 1)
    raw = server.participants(session["id"])
    assert [(row["id"], row["duration"]) for row in raw] == [(first, 0.25), (second, 0.5)]
    (person,) = server.participants(session["id"], view="consolidated")
    assert person["user_id"] == alice.user_id
    assert person["duration"] == 0.75
    details = server.get(f"/sessions/{session['id']}/participants/{alice.user_id}")["participant"]
    assert details["id"] == second


def test_one_person_may_be_there_several_times_at_once(server: JourneyServer) -> None:
    meeting = server.meeting()
    alice = server.invite(meeting, "alice")
    peers = [new_peer() for _ in range(3)]
    for peer_id in peers:
        say(alice, peer_id, "call_join")
    session = becomes(server, meeting, "LIVE", 3, 3, 1)
    say(alice, peers[1], "disconnect")
    becomes(server, meeting, "LIVE", 2, 3, 1)
    assert len(server.participants(session["id"])) == 3
    kicked = server.post(
        f"/meetings/{meeting}/active-session/kick", {"participant_ids": [alice.user_id]}
    )
    assert len(kicked["participants"]) == 1
    becomes(server, meeting, "LIVE", 0, 3, 1)


def test_a_breakout_room_hangs_under_its_parents_session(server: JourneyServer) -> None:
    main, now = server.meeting(title="main"), now_ms()
    rooms = [server.meeting(title=f"room {n}", parent_meeting_id=main) for n in (1, 2)]
    alice, bob = server.invite(main, "alice"), server.invite(main, "bob")
    a, b = new_peer(), new_peer()
    say(alice, a, "call_join", now - 120_000)
    say(bob, b, "call_join", now - 120_000)
    say(alice, a, "disconnect", now - 90_000)
    # The same person is another participant there, with the caller's same id.
    away = server.invite(rooms[0], "alice")
    there = new_peer()
    say(away, there, "call_join", now - 90_000)
    say(away, there, "disconnect", now - 30_000)
    say(bob, b, "disconnect", now)
    session = becomes(server, main, "LIVE", 0, 2, 2)
    becomes(server, rooms[0], "LIVE", 0, 1, 1)
    details = server.get(f"/sessions/{session['id']}", include_breakout_rooms=True)
    (room,) = details["breakout_rooms"]
    assert room["associated_id"] == rooms[0]
    assert room["parent_session_id"] == session["id"]
    assert details["session"]["breakout_rooms"] == details["breakout_rooms"]
    raw = {row["user_id"]: row for row in server.participants(session["id"])}
    assert raw[alice.user_id]["duration"] == 0.5
    whole = {row["user_id"]: row for row in server.participants(session["id"], view="consolidated")}
    assert whole[alice.user_id]["duration"] == 1.5
    assert whole[bob.user_id]["duration"] == 2.0


def test_a_server_that_is_killed_and_started_again_knows_who_is_there(serve: Serve) -> None:
    server = serve()
    meeting, other = server.meeting(), server.meeting()
    people = [server.invite(meeting, f"person-{n}") for n in range(6)]
    peers = [new_peer() for _ in people]
    for person, peer_id in zip(people[:4], peers, strict=False):
        assert say(person, peer_id, "call_join") == 202
    server.kill()  # at once: the rows may not have seen the last of them
    server.start()
    before = becomes(server, meeting, "LIVE", 4, 4, 4)
    assert say(people[0], peers[0], "disconnect") == 202
    assert say(people[4], peers[4], "call_join") == 202
    kick = {"participant_ids": [people[1].user_id]}
    becomes(server, meeting, "LIVE", 4, 4, 5)
    server.post(f"/meetings/{meeting}/active-session/kick", kick)
    server.kill()
    server.start()
    assert say(people[5], peers[5], "call_join") == 202
    after = becomes(server, meeting, "LIVE", 4, 4, 6)
    assert after["id"] == before["id"]
    assert after["started_at"] == before["started_at"]
    assert reason(server, peers[1]) == "kicked"
    server.stop()
    server.start()
    becomes(server, meeting, "LIVE", 4, 4, 6)
    assert server.sessions(other) == []
    assert "Traceback" not in server.log.read_text()
