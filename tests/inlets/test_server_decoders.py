"""Whatever bytes come, a decoder of servers' words gives arrivals or one refusal."""

import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.model.errors import Refused
from roomtone.model.facts import Happened, ServerSaw
from roomtone.model.inlets import Arrival
from roomtone.sources import daily, generic, livekit, prosody, realtimekit_webhooks
from roomtone.sources.bigbluebutton import BigBlueButton
from roomtone.sources.janus import Janus

T = 1_795_394_450
EXAMPLES = int(os.environ.get("ROOMTONE_FUZZ", "100"))
"""More of them: fuzz/README.md."""
GOOD: dict[str, tuple[Callable[[bytes], list[Arrival]], Any]] = {
    "livekit": (
        livekit.decode_webhook,
        {
            "event": "participant_joined", "id": "EV", "createdAt": str(T),
            "room": {"sid": "RM", "name": "r", "creationTimeMs": str(T * 1000)},
            "participant": {"sid": "PA", "identity": "i", "joinedAt": str(T), "kind": "AGENT"},
        },
    ),
    "prosody": (
        prosody.decode_event,
        {
            "event_name": "muc-room-destroyed", "room_name": "r", "destroyed_at": T,
            "all_occupants": [{"occupant_jid": "a@b/c", "joined_at": T, "left_at": T + 1}],
        },
    ),
    "daily": (
        daily.decode_webhook,
        {
            "type": "participant.left", "id": "e", "event_ts": T,
            "payload": {"room": "r", "session_id": "s", "joined_at": T, "duration": 1.5},
        },
    ),
    "realtimekit": (
        lambda body: realtimekit_webhooks.decode_webhook(body, T * 1000),
        {
            "event": "meeting.participantLeft", "meeting": {"id": "m"},
            "participant": {"peerId": "p", "joinedAt": "2026-11-23T00:00:00Z", "leftAt": T},
        },
    ),
    "bigbluebutton": (
        lambda body: BigBlueButton().receive(body),
        {
            "data": {
                "id": "user-joined", "event": {"ts": T * 1000},
                "attributes": {
                    "meeting": {"external-meeting-id": "m"}, "user": {"internal-user-id": "w"}
                },
            }
        },
    ),
    "generic": (
        generic.decode_events,
        {
            "room": "r", "event": "joined", "at": T, "data": {"x": 1}, "tracks": ["t"],
            "participant": {"id": "i", "peer_id": "p"},
        },
    ),
    "janus": (
        lambda body: Janus(lambda peer: peer).receive(body).arrivals,
        {
            "emitter": "m", "type": 64, "timestamp": T * 1_000_000, "handle_id": 1,
            "event": {
                "plugin": "janus.plugin.videoroom",
                "data": {"event": "joined", "room": 1, "id": 2, "display": "d"},
            },
        },
    ),
}  # fmt: skip


def check(kind: str, body: bytes) -> bool:
    decode, _ = GOOD[kind]
    try:
        arrivals = decode(body)
    except Refused:
        return False
    for arrival in arrivals:
        assert arrival.room
        assert arrival.key
        for fact in arrival.facts:
            assert 0 <= fact.t < 253_402_300_800_000
            assert isinstance(fact, ServerSaw | Happened)
    return bool(arrivals)


@pytest.mark.parametrize("kind", GOOD)
def test_the_sample_itself_is_understood(kind: str) -> None:
    assert check(kind, json.dumps(GOOD[kind][1]).encode())


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=EXAMPLES, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes(kind: str, body: bytes) -> None:
    check(kind, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_any_value_in_any_member(kind: str, data: st.DataObject) -> None:
    whole = json.loads(json.dumps(GOOD[kind][1]))
    value: Any = whole
    for _ in range(data.draw(st.integers(1, 4))):
        names = list(value) if isinstance(value, dict) else list(range(len(value)))
        name = data.draw(st.sampled_from(names))
        if isinstance(value[name], dict | list) and value[name] and data.draw(st.booleans()):
            value = value[name]
            continue
        value[name] = data.draw(JSON)
        break
    check(kind, json.dumps(whole).encode())


@pytest.mark.parametrize("kind", GOOD)
def test_bytes_that_were_damaged_on_the_way(kind: str) -> None:
    chance = random.Random(kind)
    good = json.dumps(GOOD[kind][1]).encode()
    understood = 0
    for _ in range(600):
        body = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        understood += check(kind, bytes(body))
    assert understood < 600


def test_a_janus_server_cannot_make_us_remember_without_end(monkeypatch: Any) -> None:
    from roomtone.sources import janus as module

    monkeypatch.setattr(module, "MAX_ROOMS_HELD", 50)
    janus = Janus(lambda peer: peer)
    for number in range(500):
        event = json.loads(json.dumps(GOOD["janus"][1]))
        event |= {"handle_id": number, "session_id": number}
        event["event"]["data"] |= {"id": number, "private_id": number}
        janus.receive(json.dumps(event).encode())
    for held in (janus._feeds, janus._handles, janus._sessions, janus._private):
        assert len(held) == 50
