"""Janus 1.1.2's own event handler: three browsers in a videoroom, as recorded, at the front door.

What is right is counted from the recording by hand here, not by the decoder.
"""

import gzip
import json
import random
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from server_world import World, a_world, sightings

from roomtone.model.facts import Happened, ServerSaw, Snapshot
from roomtone.model.stats import CandidatePair, InboundRtp, OutboundRtp, RemoteInboundRtp
from roomtone.report.fold import fold, new_state
from roomtone.services.inflow import peer_id_of
from roomtone.sources.janus import Janus, is_random

RECORDED = Path(__file__).parent.parent / "data/servers/janus-events.jsonl.gz"
USER, PASSWORD = "janus", "evh-password-of-the-inlet"
BASIC = {"authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
PEOPLE = ("user0", "user1", "user2")


def recorded() -> list[list[dict[str, Any]]]:
    with gzip.open(RECORDED) as lines:
        return [json.loads(line)["body"] for line in lines]


BODIES = recorded()
EVENTS = [event for body in BODIES for event in body]


def plugin(name: str) -> list[tuple[dict[str, Any], int]]:
    """(data, ms) of the videoroom's own events."""
    return [
        (event["event"]["data"], event["timestamp"] // 1000)
        for event in EVENTS
        if event["type"] == 64 and event["event"]["data"]["event"] == name
    ]


JOINED = {data["display"]: (str(data["id"]), t) for data, t in plugin("joined")}
LEFT = {str(data["id"]): t for data, t in plugin("leaving")}
EMITTER = EVENTS[0]["emitter"]


def peer_of(display: str) -> str:
    return f"{EMITTER}/1234/{JOINED[display][0]}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        inlet = made.inlet("janus", USER, PASSWORD)
        for body in BODIES:
            packed = gzip.compress(json.dumps(body).encode())
            kind = {"content-type": "application/json", "content-encoding": "gzip"}
            answer = made.post(inlet, packed, BASIC | kind)
            assert answer.status_code == 200, answer.text
        yield made


def snapshots(world: World, display: str) -> list[Snapshot]:
    facts = world.facts(world.subject("1234", display, peer_of(display)))
    return sorted((f for f in facts if isinstance(f, Snapshot)), key=lambda f: f.t)


def test_three_people_joined_and_left_when_the_videoroom_says(world: World) -> None:
    assert set(JOINED) == set(PEOPLE)
    for display in PEOPLE:
        feed, joined = JOINED[display]
        saw = world.saw("1234", display, peer_of(display))
        assert [t for what, t in saw if what == "joined"] == [joined]
        # The handle's end, a few microseconds later, says it again.
        lefts = [t for what, t in saw if what == "left"]
        assert lefts[0] == LEFT[feed]
        assert lefts[-1] <= LEFT[feed] + 1
        assert world.person("1234", display).name == display
    assert world.quarantined() == []


def test_the_session_says_what_the_videoroom_said(world: World) -> None:
    world.run(world.of.roster.catch_up())
    ids = {one: world.subject("1234", one, peer_of(one)).peer_id for one in PEOPLE}
    peers = world.of.records.peek(
        lambda tx: {one: tx.sessions.peer(world.app_id, ids[one]) for one in PEOPLE}
    )
    for display, peer in peers.items():
        feed, joined = JOINED[display]
        assert (peer.joined_at, peer.left_at) == (joined, LEFT[feed])
        assert peer.origin == "janus"
    (session_id,) = {peer.session_id for peer in peers.values()}
    session = world.of.records.peek(lambda tx: tx.sessions.session_by_id(session_id))
    assert session.started_at == min(joined for _, joined in JOINED.values())
    assert (session.total_participants, session.max_concurrent_participants) == (3, 3)
    assert session.live_participants == 0


def test_a_publisher_s_track_ids_are_links_to_its_browser(world: World) -> None:
    sdp = next(
        event["event"]["jsep"]["sdp"]
        for event in EVENTS
        if event["type"] == 8 and event["opaque_id"] == "user1" and "msid" in str(event["event"])
        and event["event"]["jsep"]["type"] == "offer" and event["event"]["owner"] == "remote"
    )  # fmt: skip
    ids = {line.split()[1] for line in sdp.splitlines() if line.startswith("a=msid:")}
    facts = world.facts(world.subject("1234", "user1", peer_of("user1")))
    linked = {one for fact in facts if isinstance(fact, ServerSaw) for one in fact.same_as}
    assert len(ids) == 2
    assert linked == ids


def last_counters() -> dict[tuple[int, str], dict[str, Any]]:
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for event in EVENTS:
        if event["type"] == 32 and event.get("subtype") == 3:
            found[event["handle_id"], event["event"]["mid"]] = event["event"]
    return found


def handles(display: str) -> tuple[int, set[int]]:
    """(its own handle, those that it subscribes with), by Janus' session."""
    by_session: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in EVENTS:
        if event["type"] == 64 and "session_id" in event:
            by_session[event["session_id"]].append(event)
    for events in by_session.values():
        first = next(e for e in events if e["event"]["data"]["event"] == "joined")
        if first["event"]["data"]["display"] == display:
            own = first["handle_id"]
            return own, {e["handle_id"] for e in events} - {own}
    raise AssertionError(display)


@pytest.mark.parametrize("display", PEOPLE)
def test_readings_add_up_to_the_raw_counters(world: World, display: str) -> None:
    own, others = handles(display)
    counters = last_counters()
    facts = world.facts(world.subject("1234", display, peer_of(display)))
    state = fold(new_state(7_000), sorted(facts, key=lambda fact: fact.t))

    sent: dict[str, float] = {}
    received: dict[tuple[str, str], float] = {}
    for transport, streams in state.streams.items():
        for producer in streams.producers.values():
            intervals = producer.all_intervals()
            sent[transport] = sum(i.packets_sent for i in intervals)
            raw = counters[own, transport.rpartition("/")[2]]
            assert sent[transport] == raw["packets-received"] + raw["lost"]
            assert sum(i.bytes_sent for i in intervals) == raw["bytes-received"]
        for series in streams.inbound.values():
            handle, _, mid = transport.removeprefix("server:").partition("/")
            raw = counters[int(handle), mid]
            intervals = series.all_intervals()
            total = sum(i.packets_received for i in intervals)
            assert total == raw["packets-sent"] - raw["lost-by-remote"]
            assert sum(i.bytes_received for i in intervals) == raw["bytes-sent"]
            received[series.label.peer_id, mid] = total
    assert len(sent) == 2
    assert len(others) == 2
    # Two streams of each of the two others, and whose they are.
    senders = {peer_id_of(world.app_id, peer_of(one)) for one in PEOPLE if one != display}
    assert {peer for peer, _ in received} == senders
    assert len(received) == 4


def test_what_janus_does_not_know_is_missing_and_not_zero(world: World) -> None:
    unknown = 0
    for display in PEOPLE:
        for snapshot in snapshots(world, display):
            for stat in snapshot.stats:
                if isinstance(stat, RemoteInboundRtp):
                    # A handle that only publishes has no round trip; its jitter is Janus' own.
                    assert stat.round_trip_time is None
                    assert stat.jitter is not None
                if isinstance(stat, CandidatePair):
                    assert stat.current_round_trip_time
                if isinstance(stat, InboundRtp) and stat.packets_lost is None:
                    unknown += 1
                    assert stat.jitter is None
    assert unknown


def test_milliseconds_become_seconds() -> None:
    said = {
        "media": "video", "mid": "1", "codec": "vp8", "base": 90_000, "rtt": 42, "lost": 7,
        "lost-by-remote": 5, "jitter-local": 12, "jitter-remote": 3, "packets-received": 100,
        "packets-sent": 60, "bytes-received": 5_000, "bytes-sent": 3_000, "nacks-sent": 2,
    }  # fmt: skip
    facts = facts_of(joined("a"), measured(1, said), subscribing(2), measured(2, said))
    stats = [stat for fact in facts if isinstance(fact, Snapshot) for stat in fact.stats]
    (out,) = [stat for stat in stats if isinstance(stat, OutboundRtp)]
    (far,) = [stat for stat in stats if isinstance(stat, RemoteInboundRtp)]
    (came,) = [stat for stat in stats if isinstance(stat, InboundRtp)]
    (pair,) = [stat for stat in stats if isinstance(stat, CandidatePair)]
    assert (out.packets_sent, out.bytes_sent, out.nack_count) == (107, 5_000, 2)
    assert (far.packets_lost, far.jitter, far.round_trip_time) == (7, 0.012, 0.042)
    assert (came.packets_received, came.packets_lost, came.jitter) == (55, 5, 0.003)
    assert (came.bytes_received, pair.current_round_trip_time) == (3_000, 0.042)


T0 = 1_795_394_450_000_000


def made(kind: int, event: Any, handle: int = 1, at: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "emitter": "m", "type": kind, "timestamp": T0 + at * 1_000_000, "session_id": 9,
        "handle_id": handle, "event": event, **more,
    }  # fmt: skip


def room(name: str, handle: int = 1, at: int = 0, **data: Any) -> dict[str, Any]:
    said = {"event": name, "room": 5, **data}
    return made(64, {"plugin": "janus.plugin.videoroom", "data": said}, handle, at)


def joined(display: str, feed: Any = 8_000_000_000_001, **more: Any) -> dict[str, Any]:
    return room("joined", id=feed, private_id=77, display=display, **more)


def subscribing(handle: int) -> dict[str, Any]:
    return room("subscribing", handle, private_id=77, streams=[])


def measured(handle: int, said: Any) -> dict[str, Any]:
    return made(32, said, handle, at=1, subtype=3)


def facts_of(*events: dict[str, Any]) -> list[Any]:
    received = Janus(lambda peer: peer).receive(json.dumps(events).encode())
    assert received.unread == []
    return [fact for arrival in received.arrivals for fact in arrival.facts]


def test_media_that_is_combined_in_one_event_is_one_snapshot() -> None:
    some = [
        {"media": "audio", "mid": "0", "packets-received": 5, "bytes-received": 50},
        {"media": "video", "mid": "1", "packets-received": 9, "bytes-received": 90},
    ]
    (snapshot,) = [f for f in facts_of(joined("a"), measured(1, some)) if type(f) is Snapshot]
    counted = {s.mid: s.packets_sent for s in snapshot.stats if isinstance(s, OutboundRtp)}
    assert counted == {"0": 5, "1": 9}


def test_a_loss_reported_late_is_no_new_stream() -> None:
    janus = Janus(lambda peer: peer)
    counts = []
    for number, (sent, lost) in enumerate([(100, 0), (150, 0), (160, 90), (300, 90)]):
        said = {"media": "audio", "mid": "0", "packets-sent": sent, "lost-by-remote": lost}
        said |= {"rtt": 20}
        events = [joined("a"), subscribing(2)] if number == 0 else []
        body = json.dumps([*events, measured(2, said)]).encode()
        for arrival in janus.receive(body).arrivals:
            for fact in arrival.facts:
                if isinstance(fact, Snapshot):
                    counts += [s.packets_received for s in fact.stats if type(s) is InboundRtp]
    assert counts == [100, 150, 150, 210]


def test_a_single_event_is_taken_as_well_as_a_group() -> None:
    janus = Janus(lambda peer: peer)
    (arrival,) = janus.receive(json.dumps(joined("anna")).encode()).arrivals
    assert (arrival.room, arrival.person, arrival.display_name) == ("5", "anna", "anna")
    assert sightings(arrival.facts) == [("joined", T0 // 1000)]


def test_ids_that_an_app_chose_are_a_new_peer_each_time() -> None:
    janus = Janus(lambda peer: peer)
    peers = set()
    for private in (1, 2):
        events = [room("joined", id="anna", private_id=private, display="Anna"), gone("anna")]
        for arrival in janus.receive(json.dumps(events).encode()).arrivals:
            peers.add(arrival.peer)
            assert arrival.person == "Anna"
    assert len(peers) == 2
    assert not is_random("anna")
    assert not is_random(12)
    assert is_random(5711900859394106)
    assert is_random("7b0c0f0e-6f6c-4f0e-9d39-0b8f5a9f1f10")


def gone(feed: Any, at: int = 3) -> dict[str, Any]:
    said = room("leaving", at=at, id=feed)
    del said["handle_id"], said["session_id"]
    return said


def test_who_leaves_after_a_restart_of_ours_is_found_by_the_feed_alone() -> None:
    with a_world() as world:
        inlet = world.inlet("janus", USER, PASSWORD)
        who = joined("anna") | {"opaque_id": "u7"}
        assert world.post(inlet, json.dumps([who]).encode(), BASIC).is_success
        world.run(world.of.roster.catch_up())
        again = world.inlet("janus", USER, PASSWORD)  # its reader knows nobody

        body = json.dumps([gone(8_000_000_000_001), gone(8_000_000_000_002)]).encode()
        assert world.post(again, body, BASIC).json()["data"] == {"accepted": 1}
        assert world.saw("5", "u7", "m/5/8000000000001") == [
            ("joined", T0 // 1000),
            ("left", T0 // 1000 + 3_000),
        ]


def test_a_server_that_stops_or_starts_anew_lets_everybody_leave() -> None:
    stopped = made(256, {"status": "shutdown"}, at=9)
    saw = sightings(facts_of(joined("a"), stopped))
    assert ("left", T0 // 1000 + 9_000) in saw
    started = made(256, {"status": "started"}, at=9)
    saw = sightings(facts_of(joined("a"), started))
    assert ("left", T0 // 1000) in saw  # when it was last heard of


def test_deliveries_again_and_in_any_order_say_the_same(world: World) -> None:
    inlet = world.inlet("janus", USER, PASSWORD)
    before = {one: world.saw("1234", one, peer_of(one)) for one in PEOPLE}
    facts = {one: len(world.facts(world.subject("1234", one, peer_of(one)))) for one in PEOPLE}
    for body in BODIES:
        assert world.post(inlet, json.dumps(body).encode(), BASIC).is_success
    assert {one: world.saw("1234", one, peer_of(one)) for one in PEOPLE} == before
    for one in PEOPLE:
        assert len(world.facts(world.subject("1234", one, peer_of(one)))) == facts[one]


def test_events_that_do_not_fit_are_kept_and_their_neighbours_taken() -> None:
    broken = made(64, {"plugin": "janus.plugin.videoroom", "data": {"event": 5}})
    body = json.dumps([joined("a"), broken, {"no": "event"}, made(777, {"new": 1})]).encode()
    with a_world() as world:
        inlet = world.inlet("janus", USER, PASSWORD)
        assert world.post(inlet, body, BASIC).json()["data"] == {"accepted": 1}
        assert len(world.quarantined()) == 2


def test_a_stranger_a_bomb_and_nonsense() -> None:
    with a_world() as world:
        inlet = world.inlet("janus", USER, PASSWORD)
        other = world.inlet("prosody")
        wrong = {"authorization": "Basic " + b64encode(b"janus:wrong").decode()}
        for headers in ({}, wrong, {"authorization": f"Bearer {PASSWORD}"}, {"authorization": "é"}):
            encoded = {k: v.encode("latin-1") for k, v in headers.items()}
            assert world.post(inlet, b"[]", encoded).status_code == 401
        assert world.post(other, b"[]", BASIC).status_code == 401
        bomb = gzip.compress(b" " * 40_000_000)
        packed = BASIC | {"content-encoding": "gzip"}
        assert world.post(inlet, bomb, packed).status_code == 413
        assert world.post(inlet, b"not gzip", packed).status_code == 400
        assert world.post(inlet, b"nonsense", BASIC).status_code == 200
        assert [one.body for one in world.quarantined()] == [b"nonsense"]


def test_any_bytes_give_facts_or_one_refusal() -> None:
    from roomtone.model.errors import Refused

    chance = random.Random(5)
    whole = [json.dumps(body).encode() for body in BODIES[:40]]
    janus = Janus(lambda peer: peer)
    refused = 0
    for _ in range(2_000):
        text = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 6)):
            text[chance.randrange(len(text))] = chance.randrange(256)
        try:
            janus.receive(bytes(text))
        except Refused:
            refused += 1
    assert 0 < refused < 2_000


def test_facts_survive_the_journal_s_encoding() -> None:
    facts = facts_of(joined("a"), made(32, {"media": "audio", "lost_lastsec": 3}, subtype=2))
    assert any(isinstance(fact, Happened) for fact in facts)
    assert msgspec.msgpack.encode(facts)
