"""What ObserveRTC's samples and peermetrics' requests say, member by member."""

import json
from itertools import pairwise
from typing import Any

import pytest

from roomtone.model.errors import Invalid
from roomtone.model.facts import (
    AnyFact,
    DevicesListed,
    Happened,
    Joined,
    Left,
    Snapshot,
)
from roomtone.model.stats import CandidatePair, Codec, InboundRtp, OutboundRtp, RemoteCandidate
from roomtone.sources import observertc, peermetrics

T = 1_795_397_118_000


def sample(**more: Any) -> dict[str, Any]:
    return {"clientId": "ana", "callId": "standup", "timestamp": T, **more}


def facts_of(*samples: dict[str, Any]) -> list[AnyFact]:
    client = observertc.Client(mask=True)
    return [fact for one in samples for fact in client.take(one, T)]


def events(facts: list[AnyFact]) -> list[tuple[str, dict[str, Any] | None]]:
    return [(fact.name, fact.metadata) for fact in facts if isinstance(fact, Happened)]


# --- ObserveRTC -----------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False], ids=["before 3.5", "since 3.5"])
def test_payloads_are_read_as_text_and_as_objects(as_text: bool) -> None:
    def payload(**said: Any) -> Any:
        return json.dumps(said) if as_text else said

    said = sample(
        clientEvents=[
            {"type": "CLIENT_JOINED", "timestamp": T - 9},
            {
                "type": "PEER_CONNECTION_STATE_CHANGED",
                "timestamp": T - 8,
                "payload": payload(peerConnectionId="p", connectionState="connected"),
            },
            {"type": "CLIENT_LEFT", "timestamp": T - 1, "payload": payload()},
        ],
        clientIssues=[{"type": "congestion", "key": "k1", "payload": payload(level=2)}],
        clientMetaItems=[
            {
                "type": "MEDIA_DEVICE",
                "payload": payload(deviceId="d", kind="audioinput", label="Mic"),
            }
        ],
    )
    facts = facts_of(said)
    assert Joined(t=T - 9, via="observertc") in facts
    assert Left(t=T - 1, reason="disconnect") in facts
    assert ("connection_state", {"pc": "p", "state": "connected"}) in events(facts)
    assert ("client_issue", {"type": "congestion", "level": 2, "key": "k1"}) in events(facts)
    (listed,) = [fact for fact in facts if isinstance(fact, DevicesListed)]
    assert [device.label for device in listed.devices] == ["Mic"]


@pytest.mark.parametrize(
    "reasons", ['{"high-rtt": 2, "loss": 1}', "high-rtt, loss", ["high-rtt", "loss"]]
)
def test_reasons_of_a_score_are_read_in_every_shape(reasons: Any) -> None:
    facts = facts_of(sample(score=3.21, scoreReasons=reasons), sample(score=3.2))
    told = [("client_score", {"score": 3.2, "reasons": "high-rtt, loss"})]
    assert events(facts) == [*told, ("client_score", {"score": 3.2})]
    assert events(facts_of(sample(score=4), sample(score=4))) == [("client_score", {"score": 4.0})]


def test_stats_are_put_together_as_the_browser_had_them() -> None:
    connection = {
        "peerConnectionId": "p",
        "inboundRtps": [
            {"id": "I", "timestamp": T - 5.5, "ssrc": 7, "kind": "audio", "codecId": "C"}
            | {"trackIdentifier": "t", "packetsReceived": 9, "jitter": None}
        ],
        "outboundRtps": [{"id": "O", "timestamp": T, "ssrc": 8, "kind": "video", "bytesSent": 1}],
        "codecs": [{"id": "C", "timestamp": T, "mimeType": "audio/opus"}],
        "iceCandidatePairs": [
            {"id": "P", "timestamp": T, "localCandidateId": "L", "remoteCandidateId": "R"}
            | {"nominated": True, "state": "succeeded"}
        ],
        "iceCandidates": [
            {"id": "L", "timestamp": T, "address": "203.0.113.9"},
            {"id": "R", "timestamp": T, "address": "198.51.100.7"},
        ],
        "inboundTracks": [
            {"id": "t", "timestamp": T, "attachments": {"producerId": "pr", "consumerId": "co"}}
        ],
    }
    (snapshot,) = facts_of(sample(peerConnections=[connection]))
    assert isinstance(snapshot, Snapshot)
    by_kind = {type(stat): stat for stat in snapshot.stats}
    assert by_kind[InboundRtp].packets_received == 9
    assert by_kind[InboundRtp].jitter is None
    assert by_kind[OutboundRtp].packets_sent is None
    assert by_kind[Codec].mime_type == "audio/opus"
    assert by_kind[RemoteCandidate].address == "198.51.0.0"
    assert by_kind[CandidatePair].local_candidate_id == "L"
    labels = {track.match: (track.producer_id, track.consumer_id) for track in snapshot.tracks}
    assert labels == {"ssrc:7": ("pr", "co"), "ssrc:8": ("", "")}


def test_a_last_sample_that_repeats_the_report_is_no_new_reading() -> None:
    stat = {"id": "I", "timestamp": T - 900, "ssrc": 7, "kind": "audio", "packetsReceived": 9}
    connection = {"peerConnectionId": "p", "inboundRtps": [stat]}
    first, second = (
        sample(timestamp=at, peerConnections=[connection]) for at in (T - 890, T - 100)
    )
    one, other = facts_of(first, second)
    assert one == other


def test_who_it_is_follows_from_what_the_application_said() -> None:
    who = observertc.whose(sample(attachments={"userId": "u1", "displayName": "Ana"}))
    assert who == observertc.Who("standup", "u1", "standup ana", "Ana")
    assert observertc.whose({"clientId": "c", "timestamp": T}, "unit").room == "unit"
    with pytest.raises(Invalid) as refused:
        observertc.whose({"timestamp": T}, "unit")
    assert refused.value.faults[0].where == "clientId"


def test_what_is_too_old_or_out_of_time_is_refused() -> None:
    with pytest.raises(Invalid, match="too old"):
        observertc.read_samples(b'{"clientId": "c", "inboundAudioTracks": []}')
    with pytest.raises(Invalid):
        facts_of(sample(timestamp=T - 30 * 24 * 3_600_000))


# --- peermetrics ----------------------------------------------------------------------------------


def test_a_report_is_put_together_from_its_parts() -> None:
    times = {"timestamp": T - 40_000}
    inbound = {"id": "I", "type": "inbound-rtp", "ssrc": 7, "kind": "audio", "codecId": "C"}
    inbound |= {"packetsReceived": 9, "mimeType": "audio/opus", "clockRate": 48_000, "bitrate": 1}
    outbound = {"id": "O", "type": "outbound-rtp", "ssrc": 8, "kind": "video"}
    outbound["track"] = {"id": "S", "type": "media-source", "kind": "video", "width": 640, **times}
    local = {"id": "L", "type": "local-candidate", "address": "203.0.113.9", **times}
    pair = {"id": "P", "type": "candidate-pair", "nominated": True, "state": "in-progress", **times}
    pair |= {"localCandidateId": "L", "local": local, "dataChannelsOpened": 1, "transportId": "T"}
    data = {
        "audio": {"inbound": [inbound | times], "outbound": []},
        "video": {"inbound": [], "outbound": [outbound | times]},
        "connection": pair,
    }
    talk = peermetrics.Talk(mask=True)
    (snapshot,) = talk.receive("stats", {"connectionId": "c", "data": data, "delta": 500}, T)
    assert isinstance(snapshot, Snapshot)
    kinds = sorted(type(stat).__name__ for stat in snapshot.stats)
    assert kinds == [
        "CandidatePair", "Codec", "InboundRtp", "LocalCandidate", "MediaSource", "OutboundRtp",
        "Transport",
    ]  # fmt: skip
    # Told on the server's clock, though the browser's is 39.5 s behind it.
    assert snapshot.t == T - 500
    assert {stat.timestamp for stat in snapshot.stats} == {T - 500}


def test_readings_keep_their_distance_though_the_network_does_not() -> None:
    def report(at: int) -> dict[str, Any]:
        stat = {"id": "I", "type": "inbound-rtp", "ssrc": 7, "kind": "audio", "timestamp": at}
        return {"connectionId": "c", "data": {"audio": {"inbound": [stat]}}}

    talk = peermetrics.Talk(mask=True)
    delays = [30, 400, 90]
    times = [
        talk.receive("stats", report(1_000_000 + 5_000 * n), T + 5_000 * n + delay)[0].t
        for n, delay in enumerate(delays)
    ]
    assert [b - a for a, b in pairwise(times)] == [5_000, 5_000]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"eventName": "endCall"}, [Left(t=T, reason="disconnect")]),
        ({"eventName": "tabFocus", "focus": True}, [Happened(t=T, name="browser_backgrounded")]),
        ({"eventName": "custom", "data": {"eventName": "mute"}}, [Happened(t=T, name="audio_off")]),
        (
            {"eventName": "custom", "data": {"eventName": "rated", "stars": 4}, "delta": 50},
            [Happened(t=T - 50, name="rated", metadata={"stars": 4})],
        ),
        (
            {"eventName": "unload"},
            [Happened(t=T, name="page_unload"), Left(t=T, reason="disconnect")],
        ),
    ],
)
def test_what_a_page_says_becomes_events_in_our_words(
    body: dict[str, Any], told: list[AnyFact]
) -> None:
    assert peermetrics.Talk(mask=True).receive("events/browser", body, T) == told


def test_permissions_come_of_getusermedia() -> None:
    talk = peermetrics.Talk(mask=True)
    talk.receive("events/get-user-media", {"data": {"constraints": {"audio": True}}}, T)
    error = {"error": {"name": "NotAllowedError", "message": "denied"}}
    refused = talk.receive("events/get-user-media", {"data": error}, T + 700)
    told = {"device_type": "AUDIO", "permission": "DENIED"}
    assert ("media_permission", told) in events(refused)
    assert events(refused)[0][1] == {
        "audio": True, "video": False, "display": False, "duration_ms": 700,
        "error": "NotAllowedError",
    }  # fmt: skip
