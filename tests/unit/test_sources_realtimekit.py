"""RealtimeKit's own client, in recordings of its real traffic."""

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import roomtone
from roomtone.model.facts import Happened, Joined, Left, Snapshot
from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    LocalCandidate,
    OutboundRtp,
    RemoteInboundRtp,
    Transport,
)
from roomtone.sources.decoded import Decoded
from roomtone.sources.wire import decode_batch

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
NAMES = ("realtimekit-clean", "realtimekit-mute", "realtimekit-allevents")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari"


def posts(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz") as lines:
        yield from map(json.loads, lines)


def decode(body: dict[str, Any], user_agent: str | None = CHROME) -> Decoded:
    return decode_batch(json.dumps(body).encode(), now=None, mask=True, user_agent=user_agent)


def pings(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for post in posts(name):
        for entry in post["body"]["payload"]["entries"]:
            if entry["event"] == "ping_stat":
                yield post["body"]["peerId"], entry


def snapshots(entry: dict[str, Any], user_agent: str | None = CHROME) -> list[Snapshot]:
    decoded = decode({"payload": {"entries": [entry]}, "peerId": PEER}, user_agent)
    assert all(isinstance(fact, Snapshot) for fact in decoded.facts)
    return list(decoded.facts)  # type: ignore[arg-type]


def of(kind: type, facts: list[Snapshot]) -> list[Any]:
    return [stat for fact in facts for stat in fact.stats if type(stat) is kind]


def a_ping() -> dict[str, Any]:
    """A full ping of the clean call: two producers, two consumers, two transports."""
    for peer, entry in pings("realtimekit-clean"):
        stats = entry["metaData"]
        if peer and all(stats["consumerStats"]) and len(stats["consumerStats"]) == 2:
            return copy.deepcopy(entry)
    raise AssertionError


PEER = "566b41ca-6bf3-48b3-914e-ca68cde73e03"
SENT = ("packetsSent", "bytesSent", "framesEncoded", "nackCount", "retransmittedPacketsSent")
RECEIVED = ("packetsReceived", "packetsLost", "bytesReceived", "framesDecoded", "concealedSamples")


@pytest.mark.parametrize("name", NAMES)
def test_every_counter_of_every_stream_arrives_unchanged(name: str) -> None:
    for _, entry in pings(name):
        facts = snapshots(entry)
        by_ssrc = {
            stat.ssrc: msgspec.to_builtins(stat)
            for stat in of(OutboundRtp, facts) + of(InboundRtp, facts)
        }
        said = [
            (stream, SENT)
            for owner in entry["metaData"]["producerStats"]
            if owner
            for stream in owner["audioStats"] + owner["videoStats"]
        ] + [
            (stream, RECEIVED)
            for owner in entry["metaData"]["consumerStats"]
            if owner
            for stream in owner["audioStats"] + owner["videoStats"]
        ]
        assert len(by_ssrc) == len(said)
        for stream, counters in said:
            for counter in counters:
                assert by_ssrc[stream["ssrc"]].get(counter) == stream.get(counter)


@pytest.mark.parametrize("name", NAMES)
def test_each_stream_is_named_with_its_producer_consumer_and_sender(name: str) -> None:
    for _, entry in pings(name):
        tracks = {track.match: track for fact in snapshots(entry) for track in fact.tracks}
        for owner in entry["metaData"]["producerStats"] + entry["metaData"]["consumerStats"]:
            for stream in (owner["audioStats"] + owner["videoStats"]) if owner else ():
                track = tracks[f"ssrc:{stream['ssrc']}"]
                assert track.producer_id == owner["producerId"]
                assert track.consumer_id == owner.get("consumerId", "")
                assert track.peer_id == owner.get("peerId", "")
                shared = owner["appData"].get("screenShare") is True
                video = stream in owner["videoStats"]
                assert track.source == (
                    ("screenshare" if shared else "camera")
                    if video
                    else ("screenshare_audio" if shared else "microphone")
                )


def test_the_clean_call_shared_a_screen() -> None:
    sources = {
        track.source
        for _, entry in pings("realtimekit-clean")
        for fact in snapshots(entry)
        for track in fact.tracks
    }
    assert sources == {"microphone", "camera", "screenshare"}


@pytest.mark.parametrize("name", NAMES)
def test_the_pair_in_use_is_the_nominated_one_that_sent_last(name: str) -> None:
    for _, entry in pings(name):
        for fact in snapshots(entry):
            side = f"{fact.role}TransportStats".replace("both", "producing")
            said = entry["metaData"][side].get("stats", {}).get("candidatePairs", [])
            nominated = [pair for pair in said if pair["nominated"]]
            kept = of(CandidatePair, [fact])
            assert len(kept) == min(1, len(nominated))
            for pair in kept:
                newest = max(other["lastPacketSentTimestamp"] for other in nominated)
                assert pair.last_packet_sent_timestamp == newest
                (local,) = of(LocalCandidate, [fact])
                assert local.id == pair.local_candidate_id


def test_ipv6_that_the_client_left_whole_is_masked() -> None:
    addresses = {
        candidate.address
        for _, entry in pings("realtimekit-clean")
        for candidate in of(LocalCandidate, snapshots(entry))
    }
    assert addresses == {"fd00::", "127.0.0.0", "192.0.0.0"}


def test_the_stats_carry_the_time_of_their_entry() -> None:
    entry = a_ping()
    for fact in snapshots(entry):
        assert {stat.timestamp for stat in fact.stats} == {float(fact.t)}


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_post_decodes_to_the_same_bytes(name: str) -> None:
    for post in posts(name):
        entries = post["body"]["payload"]["entries"]
        once = decode(post["body"]).facts
        again = decode({**post["body"], "payload": {"entries": entries[::-1]}}).facts
        assert {msgspec.msgpack.encode(fact) for fact in once} == {
            msgspec.msgpack.encode(fact) for fact in again
        }


@pytest.mark.parametrize("name", NAMES)
def test_every_event_of_the_recordings_happens_under_its_own_name(name: str) -> None:
    for post in posts(name):
        decoded = decode(post["body"])
        entries = post["body"]["payload"]["entries"]
        names = [entry["event"] for entry in entries if entry["event"] != "ping_stat"]
        happened = [fact.name for fact in decoded.facts if isinstance(fact, Happened)]
        assert happened == names
        assert decoded.peer_id == post["body"]["peerId"]
        assert (decoded.seq, decoded.entries) == (None, len(entries))


def test_a_rejoin_is_another_peer_and_each_joins_and_leaves_once() -> None:
    joins: dict[str, int] = {}
    leaves: dict[str, int] = {}
    for post in posts("realtimekit-mute"):
        decoded = decode(post["body"])
        for fact in decoded.facts:
            if isinstance(fact, Joined):
                joins[decoded.peer_id] = joins.get(decoded.peer_id, 0) + 1
            if isinstance(fact, Left):
                leaves[decoded.peer_id] = leaves.get(decoded.peer_id, 0) + 1
    assert len(joins) == 3
    assert set(joins.values()) == {1}
    assert leaves == joins


# --- what the client does to the numbers ----------------------------------------------------------


def video_sent(user_agent: str | None) -> OutboundRtp:
    facts = snapshots(a_ping(), user_agent)
    (stream,) = [stream for stream in of(OutboundRtp, facts) if stream.kind == "video"]
    return stream


def test_on_blink_the_encode_time_is_the_target_bitrate() -> None:
    stream = video_sent(CHROME)
    assert stream.target_bitrate is not None
    assert stream.target_bitrate >= 100_000
    assert stream.total_encode_time is None


@pytest.mark.parametrize("user_agent", [FIREFOX, SAFARI])
def test_elsewhere_the_encode_time_is_the_encode_time(user_agent: str) -> None:
    stream = video_sent(user_agent)
    assert stream.target_bitrate is None
    assert stream.total_encode_time is not None


def test_without_a_user_agent_neither_is_believed() -> None:
    stream = video_sent(None)
    assert (stream.target_bitrate, stream.total_encode_time) == (None, None)


def test_zero_means_absent_only_where_the_browser_may_lack_the_member() -> None:
    entry = a_ping()
    for consumer in entry["metaData"]["consumerStats"]:
        for stream in consumer["videoStats"]:
            stream.update(freezeCount=0, totalFreezesDuration=0, packetsLost=0, jitter=0)
    (chrome,) = [s for s in of(InboundRtp, snapshots(entry)) if s.kind == "video"]
    (firefox,) = [s for s in of(InboundRtp, snapshots(entry, FIREFOX)) if s.kind == "video"]
    assert (chrome.freeze_count, chrome.total_freezes_duration) == (0, 0)
    assert (firefox.freeze_count, firefox.total_freezes_duration) == (None, None)
    assert (firefox.packets_lost, firefox.jitter) == (0, 0)


def test_a_round_trip_of_zero_is_a_fast_network() -> None:
    entry = a_ping()
    for side in ("producingTransportStats", "consumingTransportStats"):
        for pair in entry["metaData"][side]["stats"]["candidatePairs"]:
            pair["currentRoundTripTime"] = 0
    assert {pair.current_round_trip_time for pair in of(CandidatePair, snapshots(entry))} == {0}


def test_no_frame_is_zero_pixels_wide() -> None:
    entry = a_ping()
    for owner in entry["metaData"]["producerStats"]:
        for stream in owner["videoStats"]:
            stream.update(frameWidth=0, frameHeight=0)
    (stream,) = [s for s in of(OutboundRtp, snapshots(entry)) if s.kind == "video"]
    assert (stream.frame_width, stream.frame_height) == (None, None)


def test_null_producers_and_consumers_say_nothing() -> None:
    entry = a_ping()
    entry["metaData"]["producerStats"].append(None)
    entry["metaData"]["consumerStats"] = [None, None]
    facts = snapshots(entry)
    assert len(of(OutboundRtp, facts)) == 2
    assert of(InboundRtp, facts) == []


def test_chromes_codec_id_tells_opus_by_its_own_parameters() -> None:
    (codec,) = [
        codec for codec in of(Codec, snapshots(a_ping())) if codec.id.startswith("COT01_111")
    ]
    assert codec.mime_type == "audio/opus"
    assert codec.sdp_fmtp_line == "minptime=10;useinbandfec=1"


def test_one_transport_that_does_both_is_one_snapshot() -> None:
    entry = a_ping()
    stats = entry["metaData"]
    stats["consumingTransportStats"] = stats["producingTransportStats"]
    (fact,) = snapshots(entry)
    assert fact.role == "both"
    assert len(of(OutboundRtp, [fact])) == 2
    assert len(of(InboundRtp, [fact])) == 2
    assert len(of(Transport, [fact])) == 1


def test_a_ping_after_its_transport_went_keeps_the_streams() -> None:
    entry = a_ping()
    del entry["metaData"]["consumingTransportStats"]
    up, down = snapshots(entry)
    assert (up.role, down.role, down.transport) == ("producing", "consuming", "consuming")
    assert len(of(InboundRtp, [down])) == 2


def test_simulcast_layers_are_streams_of_one_producer() -> None:
    entry = a_ping()
    (camera,) = [owner for owner in entry["metaData"]["producerStats"] if owner["videoStats"]]
    camera["videoStats"].append({**camera["videoStats"][0], "ssrc": 99})
    facts = snapshots(entry)
    producers = [
        track.producer_id for fact in facts for track in fact.tracks if fact.role == "producing"
    ]
    assert producers.count(camera["producerId"]) == 2


def test_what_the_far_end_says_is_kept_should_a_client_send_it() -> None:
    entry = a_ping()
    (mic,) = [owner for owner in entry["metaData"]["producerStats"] if owner["audioStats"]]
    mic["audioStats"][0]["remoteData"] = {"packetsLost": 4, "roundTripTime": 0.05}
    (remote,) = of(RemoteInboundRtp, snapshots(entry))
    assert (remote.packets_lost, remote.round_trip_time) == (4, 0.05)
    assert remote.ssrc == mic["audioStats"][0]["ssrc"]
    assert remote.local_id in {stream.id for stream in of(OutboundRtp, snapshots(entry))}


def test_an_empty_ping_still_is_a_sign_of_life() -> None:
    entry = {"event": "ping_stat", "timestamp": "2026-11-23T01:25:17.964Z", "metaData": {}}
    (fact,) = snapshots(entry)
    assert (fact.stats, fact.role) == ((), "producing")
