"""Detectors of connections, devices and presence."""

import pytest

from made_calls import STEP_MS, T0, Stream, peer, told_of
from roomtone.model.times import iso

FLAT = [{"sent": 1e6, "received": 1e6}] + [
    {"sent": 1e6 + 1e5 * i, "received": 1e6 + 1e5 * min(i, 4)} for i in range(1, 9)
]


def state(name, *told):
    return [(s, name, {"pc": "t", "state": word}) for s, word in told]


def ids(*peers):
    return {one.id for one in told_of(*peers).findings}


def found(finding_id, *peers):
    return [one for one in told_of(*peers).findings if one.id == finding_id]


ICE = "ice_connection_state"
WHOLE = "connection_state"
STATES = (
    ("ice_failed", state(ICE, (1, "checking"), (16, "failed"))),
    ("ice_failed", state(WHOLE, (1, "connecting"))),
    ("ice_disconnected", state(WHOLE, (1, "connected"), (20, "disconnected"), (40, "connected"))),
    ("slow_connect", state(WHOLE, (1, "connecting"), (9, "connected"))),
    ("dtls_slow", state(ICE, (1, "checking"), (2, "connected")) + state(WHOLE, (9, "connected"))),
    ("signalling_slow", [(9, "negotiation", {"pc": "t", "duration_ms": 4_000})]),
    ("speaking_while_muted", [(9, "speaking_while_muted", None)]),
    ("permission_denied", [(9, "user_media", {"audio": True, "error": "NotAllowedError"})]),
    ("device_in_use", [(9, "user_media", {"video": True, "error": "NotReadableError"})]),
    (
        "device_not_found",
        [(9, "media_permission", {"device_type": "VIDEO", "permission": "NO_DEVICES_AVAILABLE"})],
    ),
    ("device_lost", [(9, "track_ended", {"kind": "audio", "source": "microphone"})]),
    (
        "device_changed",
        [
            (1, "selected_camera_update", {"device": {"device_id": "a"}}),
            (9, "selected_camera_update", {"device": {"device_id": "b"}}),
        ],
    ),
)


@pytest.mark.parametrize(("finding_id", "events"), STATES, ids=[s[0] for s in STATES])
def test_what_the_client_says_is_told(finding_id, events):
    (one,) = told_of(peer("ann", events=events, seconds=60)).findings
    assert one.id == finding_id
    assert iso(T0) <= one.start <= (one.end or one.start) <= iso(T0 + 60_000)


@pytest.mark.parametrize(
    "events",
    [
        state(WHOLE, (1, "connecting"), (3, "connected"), (20, "disconnected"), (23, "connected")),
        state(WHOLE, (1, "connecting"), (3, "connected"), (20, "disconnected"), (30, "closed")),
        state(ICE, (1, "checking"), (2, "connected")) + state(WHOLE, (3, "connected")),
        [(9, "negotiation", {"pc": "t", "duration_ms": 40})],
        [(9, "user_media", {"audio": True, "video": True})],
        [(9, "user_media", {"display": True, "error": "NotAllowedError"})],
        [(9, "track_ended", {"kind": "video", "source": "screenshare"})],
        [(9, "media_permission", {"device_type": "AUDIO", "permission": "ACCEPTED"})],
    ],
)
def test_what_is_no_trouble_is_not_told(events):
    assert not told_of(peer("ann", events=events, seconds=60)).findings


def test_a_refusal_of_every_attempt_is_an_error_and_of_one_a_warning():
    refused = (9, "user_media", {"audio": True, "error": "NotAllowedError"})
    (one,) = told_of(peer("ann", events=[refused], seconds=60)).findings
    assert one.severity == "error"
    later = [refused, (19, "user_media", {"audio": True})]
    (one,) = told_of(peer("ann", events=later, seconds=60)).findings
    assert one.severity == "warning"


def test_bytes_that_only_go_out_are_a_stall():
    streams = [Stream("in", "audio", 7, [{}] * 8, sender="bob")]
    (one,) = found("transport_stall", peer("ann", streams, connections=FLAT))
    assert one.severity == "error"
    assert one.start == iso(T0 + 4 * STEP_MS)
    growing = [{"sent": 1e6 + 1e5 * i, "received": 1e6 + 1e5 * i} for i in range(9)]
    assert not ids(peer("ann", streams, connections=growing))


def test_what_follows_from_a_stall_is_silent():
    lost = [{}] * 4 + [{"packets_lost": 100, "packets_received": 250}] * 4
    streams = [Stream("in", "audio", 7, lost, sender="bob")]
    # The whole call's sum stays; what happened meanwhile is the stall.
    told = told_of(peer("ann", streams, connections=FLAT))
    assert {one.id for one in told.findings} == {"transport_stall", "call_loss_summary"}
    assert "downlink_loss" in ids(peer("ann", streams))


@pytest.mark.parametrize(
    ("finding_id", "way", "severity"),
    [
        ("turn_relay", {"local": "relay"}, "info"),
        ("tcp_or_tls_transport", {"protocol": "tcp"}, "warning"),
        ("tcp_or_tls_transport", {"local": "relay", "relay": "tls"}, "warning"),
        ("vpn_in_use", {"network": "vpn"}, "info"),
    ],
)
def test_the_way_is_told_while_it_is_taken(finding_id, way, severity):
    (one,) = found(finding_id, peer("ann", connections=[way] * 5))
    assert (one.severity, one.side, one.blamed_peer_id) == (severity, "path", "ann")
    assert not ids(peer("ann", connections=[{}] * 5))


def test_three_changes_of_the_path_in_half_a_minute_are_unstable():
    pairs = [{"pair": n} for n in (0, 1, 0, 1, 1, 1)]
    (one,) = found("unstable_path", peer("ann", connections=pairs))
    assert one.worst == 3
    assert not ids(peer("ann", connections=[{"pair": n} for n in (0, 0, 0, 1, 1, 1)]))


def test_a_gap_in_the_measurements_is_told_and_silences_the_rest():
    steps = [{}] * 12
    times = [T0 + STEP_MS * i + (40_000 if i > 6 else 0) for i in range(13)]
    stream = Stream("in", "audio", 7, steps, sender="bob")
    (one,) = told_of(peer("ann", [stream], connections=[{}] * 13, times=times)).findings
    assert (one.id, one.severity, one.worst) == ("stats_gap", "info", 47)


def test_more_than_one_join_of_a_person_is_told_once():
    first, second = peer("ann", seconds=60, user="u"), peer("ann2", seconds=60, user="u")
    (one,) = told_of(first, second).findings
    assert (one.id, one.worst) == ("rejoins", 2)
