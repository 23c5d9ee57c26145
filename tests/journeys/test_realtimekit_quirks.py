"""What RealtimeKit's client really does to its telemetry, and that the report does not care."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import naive_counters
import pytest
from journey_server import JourneyServer, Person, Serve, new_peer, now_ms, wait_for
from msgspec.structs import replace
from player import BUNDLED, Call, Change, labels_of, play

from roomtone.cli.scripts import Post, script

CLEAN = "realtimekit-clean.jsonl.gz"
MUTE = "realtimekit-mute.jsonl.gz"
AT_ONCE = 25


@dataclass(frozen=True)
class Played:
    """One recording played as its client sent it, for others to be compared with."""

    server: JourneyServer
    by_ms: dict[str, int]
    reports: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def clean(server: JourneyServer) -> Played:
    """The clean play of both recordings."""
    by_ms = {name: now_ms() - script(name, name).end for name in (CLEAN, MUTE)}
    calls = {name: play(server, name, by_ms=by) for name, by in by_ms.items()}
    server.wait_until_sealed()
    return Played(server, by_ms, {name: anonymous(server, call) for name, call in calls.items()})


def anonymous(server: JourneyServer, call: Call) -> dict[str, Any]:
    """label → the peer's report, with names in place of what is new in each play."""
    names = {peer_id: f"peer {label}" for label, peer_id in call.peers.items()}
    names |= {person.user_id: f"user {who}" for who, person in call.people.items()}
    names[server.sessions(call.meeting_id)[0]["id"]] = "session"
    made = {}
    for label, peer_id in call.peers.items():
        report = server.report(peer_id)
        for event in report.get("peer_events", ()):
            del event["id"]  # made of the peer's
        text = json.dumps(report)
        for id_, name in names.items():
            text = text.replace(id_, name)
        made[label] = json.loads(text)
    return made


def replayed(clean: Played, name: str, change: Change) -> dict[str, Any]:
    """The reports of the same call, told otherwise."""
    call = play(clean.server, name, by_ms=clean.by_ms[name], change=change)
    clean.server.wait_until_sealed()
    return anonymous(clean.server, call)


# --- the same, told otherwise ---------------------------------------------------------------------


def by_peer(posts: list[Post]) -> Iterator[tuple[Post, list[dict[str, Any]]]]:
    """Each peer's first request, and all its entries."""
    found: dict[str, tuple[Post, list[dict[str, Any]]]] = {}
    for post in posts:
        _, entries = found.setdefault(post.body["peerId"], (post, []))
        entries += post.body["payload"]["entries"]
    return iter(found.values())


def with_entries(post: Post, entries: list[dict[str, Any]]) -> Post:
    return replace(post, body={**post.body, "payload": {"entries": entries}})


def repeated_and_regrouped(posts: list[Post]) -> list[Post]:
    """Every entry up to eight times, in other groupings, out of order."""
    dice = random.Random(8)
    made = []
    for post, entries in by_peer(posts):
        again = [entry for entry in entries for _ in range(dice.randint(1, 8))]
        dice.shuffle(again)
        while again:
            size = dice.randint(1, AT_ONCE)
            made.append(with_entries(post, again[:size]))
            again = again[size:]
    dice.shuffle(made)
    return made


def one_by_one(posts: list[Post]) -> list[Post]:
    return [with_entries(post, [entry]) for post, entries in by_peer(posts) for entry in entries]


def backwards(posts: list[Post]) -> list[Post]:
    return [with_entries(post, post.body["payload"]["entries"][::-1]) for post in reversed(posts)]


def joins_last(posts: list[Post]) -> list[Post]:
    """``call_join`` in a request of its own, after everything else."""
    early, late = [], []
    for post in posts:
        entries = post.body["payload"]["entries"]
        for some, into in ((False, early), (True, late)):
            kept = [entry for entry in entries if (entry["event"] == "call_join") == some]
            if kept:
                into.append(with_entries(post, kept))
    return early + late


def spelled_metadata(posts: list[Post]) -> list[Post]:
    """As ``legacy_switch`` spells it."""
    return [
        with_entries(
            post,
            [
                {("metadata" if key == "metaData" else key): entry[key] for key in entry}
                for entry in post.body["payload"]["entries"]
            ],
        )
        for post in posts
    ]


def full_of_nulls(posts: list[Post]) -> list[Post]:
    """Streams that are new are null for one ping; here every list has some."""
    made = []
    for post in posts:
        entries = json.loads(json.dumps(post.body["payload"]["entries"]))
        for entry in entries:
            if entry["event"] == "ping_stat":
                for rows in ("producerStats", "consumerStats"):
                    streams = entry["metaData"][rows]
                    for stream in filter(None, streams):
                        stream["audioStats"] = [None, *(stream.get("audioStats") or ())]
                    entry["metaData"][rows] = [None, *streams, None]
        made.append(with_entries(post, entries))
    return made


def by_our_door(posts: list[Post]) -> list[Post]:
    return [replace(post, path="/v1/collect") for post in posts]


@pytest.mark.parametrize("name", [CLEAN, MUTE])
@pytest.mark.parametrize(
    "change",
    [
        repeated_and_regrouped,
        one_by_one,
        backwards,
        joins_last,
        spelled_metadata,
        full_of_nulls,
        by_our_door,
    ],
)
def test_the_report_is_that_of_the_clean_play(clean: Played, name: str, change: Change) -> None:
    assert replayed(clean, name, change) == clean.reports[name]


def test_the_whole_session_may_be_told_twice(clean: Played) -> None:
    assert replayed(clean, CLEAN, lambda posts: posts * 2) == clean.reports[CLEAN]


# --- coming and going -----------------------------------------------------------------------------


def test_a_reconnect_under_the_same_peer_id_stays_one_peer(clean: Played) -> None:
    """``resetSelf``: disconnect, then call_join again with the same peer id."""
    server = clean.server

    def reconnecting(posts: list[Post]) -> list[Post]:
        middle = posts[len(posts) // 2]
        at = next(
            entry["timestamp"]
            for entry in middle.body["payload"]["entries"]
            if entry["event"] == "ping_stat"
        )
        # Between two pings, which are 7 s apart.
        gone, back = (f"{at[:17]}{float(at[17:-1]) + s:06.3f}Z" for s in (1, 3))
        entries = [{"event": "disconnect", "timestamp": gone}]
        entries += [{"event": "call_join", "timestamp": back, "metaData": {}}]
        return [*posts, with_entries(middle, entries)]

    middle = script(CLEAN, CLEAN).posts
    who = middle[len(middle) // 2].person
    call = play(server, CLEAN, by_ms=clean.by_ms[CLEAN], change=reconnecting)
    server.wait_until_sealed()
    told = anonymous(server, call)
    for label, report in clean.reports[CLEAN].items():
        assert told[label]["peer_report"]["quality"] == report["peer_report"]["quality"]
        for key in ("joined_at", "left_at", "duration"):
            assert told[label][key] == report[key], (label, key)
    session = server.sessions(call.meeting_id)[0]
    rows = {row["id"]: row for row in server.participants(session["id"], include_peer_events=True)}
    assert set(rows) == set(call.peers.values())
    names = [event["event_name"] for event in rows[call.peers[who]]["peer_events"]]
    assert names.count("PEER_JOINING") == 2
    assert names.count("PEER_LEAVING") == 2


def test_a_rejoin_is_a_new_peer_of_the_same_person(clean: Played) -> None:
    server = clean.server
    call = play(server, MUTE)
    (session,) = server.sessions(call.meeting_id)
    assert session["total_participants"] == 2
    assert session["max_concurrent_participants"] == 2
    raw = server.participants(session["id"])
    assert [row["id"] for row in raw].count(call.peers["b2"]) == 1
    assert len(raw) == 3
    whole = server.participants(session["id"], view="consolidated")
    assert {row["user_id"] for row in whole} == {person.user_id for person in call.people.values()}


def test_streams_are_joined_with_the_peers_that_sent_them(clean: Played) -> None:
    quality = clean.reports[CLEAN]["b"]["peer_report"]["quality"]
    for kind in ("audio", "video"):
        assert {one["peer_id"] for one in quality[f"{kind}_consumer"]} == {"peer a"}
        sent = clean.reports[CLEAN]["a"]["peer_report"]["quality"][f"{kind}_producer"]
        assert {one["producer_id"] for one in quality[f"{kind}_consumer"]} == {
            one["producer_id"] for one in sent
        }


def test_every_event_of_the_client_stands_in_the_report(clean: Played) -> None:
    name = "realtimekit-allevents.jsonl.gz"
    call = play(clean.server, name)
    clean.server.wait_until_sealed()
    data = naive_counters.read(BUNDLED / name)
    recorded: dict[str, list[str]] = {label: [] for label in call.peers}
    labels = dict(labels_of(data))
    for line in data.splitlines():
        body = json.loads(line)["body"]
        recorded[labels[body["peerId"]]] += [e["event"] for e in body["payload"]["entries"]]
    for label, events in recorded.items():
        told = clean.server.report(call.peers[label])["peer_stats"]["events"]
        wanted = sorted(event for event in events if event != "ping_stat")
        assert sorted(one["type"] for one in told) == wanted


# --- pings that stop ------------------------------------------------------------------------------


def ping(person: Person, peer_id: str, hears: str = "") -> None:
    """A small ping of now; with ``hears``, that peer's audio came just now."""
    t = now_ms()
    consumer = {
        "consumerId": f"consumer of {hears}",
        "peerId": hears,
        "producerId": f"producer of {hears}",
        "audioStats": [{"ssrc": 5, "packetsReceived": t, "lastPacketReceivedTimestamp": t}],
    }
    metadata = {
        "producingTransportStats": {"transportId": f"up {peer_id}", "producing": True},
        "consumingTransportStats": {"transportId": f"down {peer_id}", "consuming": True},
        "producerStats": [{"producerId": "p", "audioStats": [{"ssrc": 4, "packetsSent": t}]}],
        "consumerStats": [consumer] if hears else [],
    }
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(t / 1000))}.{t % 1000:03d}Z"
    entries = [{"event": "ping_stat", "timestamp": stamp, "metaData": metadata}]
    answer = person.message({"payload": {"entries": entries}, "peerId": peer_id})
    assert answer.status_code == 204, answer.text


def test_silence_is_not_leaving_while_others_still_receive_the_media(serve: Serve) -> None:
    server = serve(silence_s=3)
    meeting = server.meeting()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    a, b = new_peer(), new_peer()

    def left() -> dict[str, tuple[int | None, str | None]]:
        rows = server.rows("SELECT peer_id, left_at, left_reason FROM peers")
        return {peer_id: (at, why) for peer_id, at, why in rows}

    ping(alice, a)  # a ping that overtakes its join
    ping(bob, b, hears=a)
    wait_for("both to be there", lambda: len(left()) == 2)
    until = time.monotonic() + 8
    while time.monotonic() < until:
        ping(bob, b, hears=a)
        assert left()[a] == (None, None), "she went silent, yet he hears her"
        time.sleep(0.3)
    last = now_ms()
    wait_for("both to count as left", lambda: all(why for _, why in left().values()), 20)
    assert {why for _, why in left().values()} == {"silence"}
    assert all(at is not None and at <= last for at, _ in left().values())
    # Her network is back: the stay goes on as if it had never stopped.
    ping(alice, a)
    wait_for("her to be back", lambda: left()[a] == (None, None))
    (session,) = server.sessions(meeting)
    assert (session["status"], session["live_participants"]) == ("LIVE", 1)
    assert session["max_concurrent_participants"] == 2
