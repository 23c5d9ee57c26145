"""The ``stats`` event: real getStats() results, and every browser's way of saying them."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import roomtone
from roomtone.model.errors import Invalid, TooLarge
from roomtone.model.facts import Snapshot, Track
from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    LocalCandidate,
    MediaSource,
    OutboundRtp,
    RemoteCandidate,
    RemoteInboundRtp,
    Transport,
)
from roomtone.sources.wire import decode_batch

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
PEER = "0055f63d-d002-4a7f-8867-022d0e5afb24"
OTHER = "566b41ca-6bf3-48b3-914e-ca68cde73e03"
NOW = 1_795_393_500_000


def samples(name: str) -> list[dict[str, Any]]:
    return json.loads(gzip.open(RECORDINGS / name).read())["samples"]


def body(report: Any, **metadata: Any) -> bytes:
    entry = {
        "event": "stats",
        "timestamp": NOW,
        "metaData": {"pc": "pc-1", "report": report, **metadata},
    }
    return json.dumps({"peer_id": PEER, "seq": 0, "entries": [entry]}).encode()


def snapshot(report: Any, *, mask: bool = True, **metadata: Any) -> Snapshot:
    (fact,) = decode_batch(body(report, **metadata), now=NOW, mask=mask, user_agent=None).facts
    assert isinstance(fact, Snapshot)
    return fact


def of(kind: type, fact: Snapshot) -> list[Any]:
    return [stat for stat in fact.stats if type(stat) is kind]


def faults(report: Any, **metadata: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        snapshot(report, **metadata)
    return {fault.where: fault.why for fault in refused.value.faults}


def stat(kind: str, stat_id: str, /, **members: Any) -> dict[str, Any]:
    return {"type": kind, "id": stat_id, "timestamp": NOW, **members}


def members(value: Any) -> dict[str, Any]:
    return msgspec.to_builtins(value)


COUNTERS = {
    "inbound-rtp": ("packetsReceived", "packetsLost", "bytesReceived", "framesDecoded"),
    "outbound-rtp": ("packetsSent", "bytesSent", "framesEncoded", "keyFramesEncoded"),
    "remote-inbound-rtp": ("packetsLost", "fractionLost", "totalRoundTripTime"),
}
CALLS = [
    ("getstats-clean.json.gz", "a"),
    ("getstats-clean.json.gz", "b"),
    ("getstats-lossy.json.gz", "a"),
    ("getstats-lossy.json.gz", "b"),
    ("getstats-mesh3-clean.json.gz", "a-b"),
    ("getstats-mesh3-clean.json.gz", "c-a"),
]


@pytest.mark.parametrize(("name", "side"), CALLS)
def test_every_counter_of_a_real_call_arrives_unchanged(name: str, side: str) -> None:
    for sample in samples(name):
        report = list(sample[side]["stats"].values())
        kept = {value["id"]: value for value in map(members, snapshot(report).stats)}
        for said in report:
            for counter in COUNTERS.get(said["type"], ()):
                assert kept[said["id"]].get(counter) == said.get(counter)


@pytest.mark.parametrize(("name", "side"), CALLS)
def test_whatever_is_kept_is_exactly_what_the_browser_said(name: str, side: str) -> None:
    said = samples(name)[-1][side]["stats"]
    for value in map(members, snapshot(list(said.values()), mask=False).stats):
        for member, kept in value.items():
            assert kept == said[value["id"]][member]


@pytest.mark.parametrize(("name", "side"), CALLS)
def test_of_a_whole_report_the_pair_in_use_is_kept_and_the_idle_ones_are_not(
    name: str, side: str
) -> None:
    said = samples(name)[-1][side]["stats"]
    (transport,) = [value for value in said.values() if value["type"] == "transport"]
    fact = snapshot(list(said.values()))
    (pair,) = of(CandidatePair, fact)
    (local,) = of(LocalCandidate, fact)
    (remote,) = of(RemoteCandidate, fact)
    assert pair.id == transport["selectedCandidatePairId"]
    assert (pair.local_candidate_id, pair.remote_candidate_id) == (local.id, remote.id)
    streams = of(InboundRtp, fact) + of(OutboundRtp, fact)
    assert {codec.id for codec in of(Codec, fact)} == {stream.codec_id for stream in streams}
    assert len(of(MediaSource, fact)) == 2
    assert len(of(Transport, fact)) == 1


def test_an_older_snapshot_and_its_repetition_are_the_same_fact() -> None:
    report = list(samples("getstats-clean.json.gz")[9]["a"]["stats"].values())
    once, twice = snapshot(report), snapshot(report)
    assert msgspec.msgpack.encode(once) == msgspec.msgpack.encode(twice)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(once), type=Snapshot) == once


def test_addresses_are_masked_unless_the_setting_says_no() -> None:
    report = [
        stat("transport", "T", selectedCandidatePairId="P"),
        stat("candidate-pair", "P", localCandidateId="L", remoteCandidateId="R"),
        stat("local-candidate", "L", address="203.0.113.9", relatedAddress="10.1.2.3"),
        stat("remote-candidate", "R", address="2001:db8:1:2::3"),
    ]
    (local,) = of(LocalCandidate, snapshot(report))
    (remote,) = of(RemoteCandidate, snapshot(report))
    assert (local.address, local.related_address) == ("203.0.0.0", "10.1.0.0")
    assert remote.address == "2001:db8:1::"
    (local,) = of(LocalCandidate, snapshot(report, mask=False))
    assert local.address == "203.0.113.9"


def test_a_missing_member_stays_missing_and_zero_stays_zero() -> None:
    (stream,) = of(InboundRtp, snapshot([stat("inbound-rtp", "I", kind="audio", jitter=0)]))
    assert stream.jitter == 0
    assert stream.packets_received is None


def test_types_that_nobody_knows_are_passed_over() -> None:
    report = [stat("hologram", "H", depth=3), stat("inbound-rtp", "I", kind="audio")]
    assert [value.id for value in snapshot(report).stats] == ["I"]


@pytest.mark.parametrize(
    ("sends", "receives", "role"),
    [(1, 0, "producing"), (0, 1, "consuming"), (1, 1, "both"), (0, 0, "both")],
)
def test_the_role_follows_from_which_way_media_flows(sends: int, receives: int, role: str) -> None:
    report = [stat("outbound-rtp", "O", kind="audio")] * sends
    report += [stat("inbound-rtp", "I", kind="audio")] * receives
    assert snapshot(report).role == role
    assert snapshot(report, role="producing").role == "producing"


# --- which pair is in use ------------------------------------------------------------------------


def pair(stat_id: str, /, **members: Any) -> dict[str, Any]:
    return stat("candidate-pair", stat_id, **members)


def pair_in_use(*report: dict[str, Any]) -> list[str]:
    return [value.id for value in of(CandidatePair, snapshot(list(report)))]


def test_the_transports_choice_beats_everything() -> None:
    assert pair_in_use(
        pair("old", nominated=True, state="succeeded", bytesSent=9e9, selected=True),
        pair("new", nominated=False),
        stat("transport", "T", selectedCandidatePairId="new"),
    ) == ["new"]


def test_firefox_marks_its_pair_itself() -> None:
    assert pair_in_use(
        pair("p", nominated=True, state="succeeded", selected=False, bytesSent=9e9),
        pair("q", nominated=True, state="succeeded", selected=True),
    ) == ["q"]


def test_of_several_nominated_pairs_the_one_that_sent_last_is_in_use() -> None:
    report = (
        pair("idle", nominated=True, state="succeeded", bytesSent=9e9),
        pair("old", nominated=True, state="succeeded", lastPacketSentTimestamp=NOW - 9_000),
        pair("new", nominated=True, state="succeeded", lastPacketSentTimestamp=NOW - 10),
        pair("dead", nominated=True, state="failed", lastPacketSentTimestamp=NOW),
    )
    assert pair_in_use(*report) == ["new"]
    assert pair_in_use(*reversed(report)) == ["new"]


def test_without_times_the_pair_that_carried_most_is_in_use() -> None:
    assert pair_in_use(
        pair("a", nominated=True, state="succeeded", bytesSent=10, bytesReceived=90),
        pair("b", nominated=True, state="succeeded", bytesSent=50),
    ) == ["a"]


def test_before_anything_connects_there_is_no_pair() -> None:
    assert pair_in_use(pair("a", nominated=False, state="waiting")) == []


# --- dialects ------------------------------------------------------------------------------------


def test_jitter_in_milliseconds_is_no_jitter() -> None:
    report = [
        stat("inbound-rtp", "I", kind="audio", jitter=12.5),
        stat("remote-inbound-rtp", "R", kind="audio", jitter=31),
        stat("inbound-rtp", "J", kind="audio", jitter=0.0125),
    ]
    fact = snapshot(report)
    assert [stream.jitter for stream in of(InboundRtp, fact)] == [None, 0.0125]
    assert [stream.jitter for stream in of(RemoteInboundRtp, fact)] == [None]


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_firefox_once_said_discarded_packets(kind: str) -> None:
    (stream,) = of(InboundRtp, snapshot([stat("inbound-rtp", "I", kind=kind, discardedPackets=4)]))
    assert stream.packets_discarded == 4


def test_media_type_was_the_name_of_kind() -> None:
    (stream,) = of(InboundRtp, snapshot([stat("inbound-rtp", "I", mediaType="video")]))
    assert stream.kind == "video"


def test_old_firefox_told_the_far_end_as_a_remote_stream_of_its_own() -> None:
    report = [
        stat("outbound-rtp", "out", kind="audio", ssrc=7, packetsSent=100, remoteId="far"),
        stat(
            "inbound-rtp", "far", kind="audio", ssrc=7, isRemote=True, packetsLost=3, remoteId="out"
        ),
        stat("outbound-rtp", "theirs", kind="audio", ssrc=8, isRemote=True, packetsSent=5),
    ]
    fact = snapshot(report)
    assert [stream.id for stream in of(OutboundRtp, fact)] == ["out"]
    assert of(InboundRtp, fact) == []
    (remote,) = of(RemoteInboundRtp, fact)
    assert (remote.local_id, remote.packets_lost) == ("out", 3)


def test_older_firefox_wrote_its_types_without_hyphens() -> None:
    report = [
        stat("candidatepair", "P", selected=True, localCandidateId="L", remoteCandidateId="R"),
        stat("localcandidate", "L", ipAddress="203.0.113.9", portNumber=9, transport="udp"),
        stat("remotecandidate", "R", ipAddress="198.51.100.4"),
        stat("inboundrtp", "I", mediaType="audio", packetsReceived=5),
    ]
    fact = snapshot(report)
    (local,) = of(LocalCandidate, fact)
    assert (local.address, local.port, local.protocol) == ("203.0.0.0", 9, "udp")
    assert [stream.packets_received for stream in of(InboundRtp, fact)] == [5]


def test_old_chrome_and_safari_told_concealment_and_frames_on_the_track() -> None:
    report = [
        stat("track", "TR", trackIdentifier="mic", concealedSamples=48, audioLevel=0.5),
        stat("inbound-rtp", "I", kind="audio", trackId="TR", audioLevel=0.25),
    ]
    (stream,) = of(InboundRtp, snapshot(report))
    assert (stream.track_identifier, stream.concealed_samples) == ("mic", 48)
    assert stream.audio_level == 0.25


def test_safari_leaves_the_kind_of_the_far_ends_report_empty() -> None:
    report = [
        stat("outbound-rtp", "O", kind="video"),
        stat("remote-inbound-rtp", "R", kind="", mediaType="", localId="O"),
    ]
    (remote,) = of(RemoteInboundRtp, snapshot(report))
    assert remote.kind == "video"


def test_an_unset_audio_level_below_zero_is_no_level() -> None:
    (stream,) = of(InboundRtp, snapshot([stat("inbound-rtp", "I", kind="audio", audioLevel=-3e-5)]))
    assert stream.audio_level is None


def test_firefoxs_braces_around_track_ids_are_dropped_on_both_sides() -> None:
    report = [
        stat("inbound-rtp", "I", kind="audio", trackIdentifier="{5a62ce8d}"),
        stat("media-source", "S", kind="audio", trackIdentifier="{898e5e87}"),
    ]
    fact = snapshot(report, tracks=[{"track_identifier": "{5a62ce8d}", "source": "microphone"}])
    assert of(InboundRtp, fact)[0].track_identifier == "5a62ce8d"
    assert of(MediaSource, fact)[0].track_identifier == "898e5e87"
    assert fact.tracks[0].match == "track:5a62ce8d"


def test_simulcast_layers_stay_apart() -> None:
    report = [
        stat("outbound-rtp", f"O{layer}", kind="video", ssrc=layer, rid=rid, active=layer < 3)
        for layer, rid in enumerate(("q", "h", "f"), start=1)
    ]
    layers = of(OutboundRtp, snapshot(report))
    assert [(layer.rid, layer.ssrc, layer.active) for layer in layers] == [
        ("q", 1, True),
        ("h", 2, True),
        ("f", 3, False),
    ]


# --- tracks --------------------------------------------------------------------------------------


def test_tracks_say_what_a_stream_is() -> None:
    fact = snapshot(
        [],
        tracks=[
            {"track_identifier": "t-1", "source": "camera", "producer_id": "p-1"},
            {"mid": "0", "source": "screenshare_audio", "peer_id": OTHER.upper(), "paused": True},
            {"ssrc": 9, "display_width": 640, "display_height": 360},
        ],
    )
    assert fact.tracks == (
        Track(match="track:t-1", source="camera", producer_id="p-1"),
        Track(match="mid:0", source="screenshare_audio", peer_id=OTHER, paused=True),
        Track(match="ssrc:9", display_width=640, display_height=360),
    )


def test_a_paused_connection_pauses_every_track() -> None:
    fact = snapshot([], tracks=[{"mid": "0"}, {"mid": "1"}], paused=True)
    assert [track.paused for track in fact.tracks] == [True, True]


# --- refusals ------------------------------------------------------------------------------------


def test_every_fault_of_a_report_is_named_at_its_place() -> None:
    report = [
        stat("inbound-rtp", "I", kind="audio", packetsReceived=-1, jitter="fast"),
        {"type": "codec", "timestamp": NOW},
        "not a stat",
        {"id": "x", "timestamp": NOW},
        stat("outbound-rtp", "O", ssrc=2**32),
    ]
    where = "entries[0].metaData.report"
    assert faults(report) == {
        f"{where}[0].packetsReceived": "Expected `float` >= 0.0",
        f"{where}[0].jitter": "Expected `float | null`, got `str`",
        f"{where}[1].id": "missing",
        f"{where}[2]": "not an object",
        f"{where}[3].type": "missing",
        f"{where}[4].ssrc": "Expected `int` <= 4294967295",
    }


def test_faults_of_the_metadata_itself_are_named() -> None:
    where = "entries[0].metaData"
    assert set(faults(None)) == {f"{where}.report"}
    assert set(faults({})) == {f"{where}.report"}
    assert set(faults([], pc="")) == {f"{where}.pc"}
    assert set(faults([], pc=7, role="idle")) == {f"{where}.pc", f"{where}.role"}
    bad = [{"mid": "0", "peer_id": "alice"}, {"source": "camera"}]
    assert set(faults([], tracks=bad)) == {f"{where}.tracks[0].peer_id", f"{where}.tracks[1]"}
    assert set(faults([], tracks=[{"mid": "0", "source": "drone"}])) == {
        f"{where}.tracks[0].source"
    }


def test_a_report_of_more_objects_than_any_call_has_is_too_large() -> None:
    with pytest.raises(TooLarge):
        snapshot([stat("certificate", "C")] * 4_001)
