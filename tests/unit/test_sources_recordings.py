"""Recordings of whole calls: our own getStats() ones and Jitsi's dumps, of three browsers."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import roomtone
from roomtone.model.errors import BadRequest, Invalid, Refused, TooLarge
from roomtone.model.facts import (
    AnyFact,
    Described,
    DeviceSelected,
    Happened,
    Joined,
    Left,
    Snapshot,
)
from roomtone.model.stats import CandidatePair, InboundRtp, OutboundRtp, RemoteInboundRtp
from roomtone.sources import getstats, jitsi, recorded
from roomtone.sources.getstats import RecordedPeer, recording_facts
from roomtone.sources.recordings import decode_file
from roomtone.sources.rtcstats.deltas import Deltas

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
CHROME = "google-standard-stats-sfu.jsonl.gz"
RECONNECT = "chrome-standard-pc-reconnect.jsonl.gz"
FIREFOX = "firefox-standard-stats-sfu.jsonl.gz"
SAFARI = "safari-standard-stats.jsonl.gz"
JITSI = (CHROME, RECONNECT, FIREFOX, SAFARI)


def read(name: str) -> bytes:
    return (RECORDINGS / name).read_bytes()


def jitsi_peer(name: str) -> RecordedPeer:
    (peer,) = jitsi.decode_recording(read(name))
    return peer


def snapshots(facts: tuple[AnyFact, ...]) -> list[Snapshot]:
    return [fact for fact in facts if isinstance(fact, Snapshot)]


def of(kind: type, fact: Snapshot) -> list[Any]:
    return [stat for stat in fact.stats if type(stat) is kind]


# --- getStats() ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["getstats-clean.json.gz", "getstats-lossy.json.gz"])
def test_a_call_of_two_has_two_peers_who_name_each_other(name: str) -> None:
    a, b = getstats.decode_recording(read(name))
    assert (a.label, a.remote_labels) == ("a", {"a": "b"})
    assert (b.label, b.remote_labels) == ("b", {"b": "a"})
    assert a.user_agent is not None
    assert "HeadlessChrome" in a.user_agent


def test_a_mesh_of_three_has_three_peers_with_two_connections_each() -> None:
    peers = getstats.decode_recording(read("getstats-mesh3-clean.json.gz"))
    assert [peer.label for peer in peers] == ["a", "b", "c"]
    assert peers[1].remote_labels == {"b-a": "a", "b-c": "c"}
    ids = {"a": "peer-a", "b": "peer-b", "c": "peer-c"}
    for fact in snapshots(recording_facts(peers[1], ids)):
        received = {f"ssrc:{stream.ssrc}" for stream in of(InboundRtp, fact)}
        for track in fact.tracks:
            sender = ids[fact.transport.partition("-")[2]]
            assert track.peer_id == (sender if track.match in received else "")


@pytest.mark.parametrize("side", ["a", "b"])
def test_the_last_snapshot_holds_the_last_counters(side: str) -> None:
    last = json.loads(gzip.decompress(read("getstats-clean.json.gz")))["samples"][-1][side]
    peer = next(
        p for p in getstats.decode_recording(read("getstats-clean.json.gz")) if p.label == side
    )
    fact = snapshots(recording_facts(peer))[-1]
    assert fact.t == int(last["t"])
    for stream in of(InboundRtp, fact):
        said = last["stats"][stream.id]
        assert stream.packets_received == said["packetsReceived"]
        assert stream.bytes_received == said["bytesReceived"]
        assert stream.frames_decoded == said.get("framesDecoded")
    for stream in of(OutboundRtp, fact):
        said = last["stats"][stream.id]
        assert (stream.packets_sent, stream.bytes_sent) == (said["packetsSent"], said["bytesSent"])


def test_a_recorded_peer_joins_at_its_first_sample_and_leaves_at_its_last() -> None:
    peer = getstats.decode_recording(read("getstats-clean.json.gz"))[0]
    facts = recording_facts(peer)
    assert [fact.t for fact in facts] == sorted(fact.t for fact in facts)
    assert facts[0] == Joined(t=peer.samples[0].t, via="import")
    assert facts[-1] == Left(t=peer.samples[-1].t, reason="import")
    (described,) = [fact for fact in facts if isinstance(fact, Described)]
    assert described.engine == "Blink"
    assert len(snapshots(facts)) == len(peer.samples)


def test_a_plain_file_and_a_gzip_file_are_the_same_recording() -> None:
    packed = read("getstats-lossy.json.gz")
    assert getstats.decode_recording(packed) == getstats.decode_recording(gzip.decompress(packed))
    assert getstats.decode_recording(packed) == decode_file(gzip.decompress(packed))


def test_reports_may_be_lists_as_well() -> None:
    stat = {"type": "inbound-rtp", "id": "I", "timestamp": 1, "kind": "audio", "ssrc": 5}
    text = json.dumps({"samples": [{"solo": {"t": 1, "stats": [stat]}}]}).encode()
    (peer,) = getstats.decode_recording(text)
    assert (peer.label, peer.remote_labels) == ("solo", {})
    assert of(InboundRtp, snapshots(recording_facts(peer))[0])[0].ssrc == 5


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", BadRequest),
        (b"{", BadRequest),
        (b"{}", Invalid),
        (b'{"samples": 3}', Invalid),
        (b'{"samples": [{"a": {"t": -1, "stats": {}}}]}', Invalid),
        (b'{"samples": [{"a": {"t": 1, "stats": {"x": 1}}}]}', Invalid),
        (gzip.compress(b"{}", mtime=0)[:-4], BadRequest),
        (b"\x1f\x8bnonsense", BadRequest),
    ],
)
def test_what_is_no_recording_is_refused(data: bytes, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        getstats.decode_recording(data)


def test_a_gzip_bomb_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "MAX_RECORDING_BYTES", 1_000)
    with pytest.raises(TooLarge):
        getstats.decode_recording(gzip.compress(b" " * 2_000))


def test_a_recording_without_samples_has_no_peers() -> None:
    assert getstats.decode_recording(b'{"samples": []}') == []
    assert recording_facts(RecordedPeer("x", {}, None, [])) == ()


# --- Jitsi --------------------------------------------------------------------------------------


def lines(name: str) -> list[list[Any]]:
    return [json.loads(line) for line in gzip.decompress(read(name)).splitlines()]


def last_said(name: str, counter: str) -> dict[tuple[str, str], Any]:
    """A second, naive reading of a dump: per stream the value last sent, while it lives."""
    said: dict[tuple[str, str], Any] = {}
    for method, pc, value, _ in (line[:4] for line in lines(name)):
        if method == "getstats":
            for key in [key for key in said if key[0] == pc and key[1] not in value]:
                del said[key]
            for stat_id, changes in value.items():
                if isinstance(changes, dict) and counter in changes:
                    said[pc, stat_id] = changes[counter]
    return said


@pytest.mark.parametrize("name", JITSI)
@pytest.mark.parametrize(
    ("kind", "counter", "member"),
    [
        (InboundRtp, "packetsReceived", "packets_received"),
        (InboundRtp, "packetsLost", "packets_lost"),
        (InboundRtp, "framesDecoded", "frames_decoded"),
        (OutboundRtp, "packetsSent", "packets_sent"),
        (OutboundRtp, "bytesSent", "bytes_sent"),
        (RemoteInboundRtp, "roundTripTime", "round_trip_time"),
    ],
)
def test_deltas_add_up_to_the_counters_that_were_last_sent(
    name: str, kind: type, counter: str, member: str
) -> None:
    said = last_said(name, counter)
    last = {fact.transport: fact for fact in snapshots(recording_facts(jitsi_peer(name)))}
    for pc, fact in last.items():
        for stat in of(kind, fact):
            assert getattr(stat, member) == said.get((pc, stat.id))


@pytest.mark.parametrize("name", JITSI)
def test_every_sample_of_a_dump_becomes_a_snapshot_with_true_times(name: str) -> None:
    peer = jitsi_peer(name)
    taken = snapshots(recording_facts(peer))
    polls = [line for line in lines(name) if line[0] == "getstats"]
    assert [fact.t for fact in taken] == [line[3] for line in polls]
    for fact in taken:
        assert all(fact.t - 15_000 <= stat.timestamp <= fact.t + 1_000 for stat in fact.stats)


@pytest.mark.parametrize(
    ("name", "engine"),
    [(CHROME, "Blink"), (RECONNECT, "Blink"), (FIREFOX, "Gecko"), (SAFARI, "WebKit")],
)
def test_the_dump_tells_the_browser(name: str, engine: str) -> None:
    facts = recording_facts(jitsi_peer(name))
    (described,) = [fact for fact in facts if isinstance(fact, Described)]
    assert described.engine == engine


@pytest.mark.parametrize("name", [CHROME, FIREFOX, SAFARI])
def test_all_three_browsers_show_the_pair_in_use_and_two_way_media(name: str) -> None:
    fact = snapshots(recording_facts(jitsi_peer(name)))[-1]
    (pair,) = of(CandidatePair, fact)
    assert pair.bytes_received is not None
    assert pair.bytes_received > 0
    assert (fact.role, fact.transport) == ("both", "PC_0")
    assert {stream.kind for stream in of(InboundRtp, fact)} == {"audio", "video"}
    assert {stream.kind for stream in of(OutboundRtp, fact)} == {"audio", "video"}
    assert {remote.kind for remote in of(RemoteInboundRtp, fact)} <= {"audio", "video", None}


def test_safaris_frame_sizes_and_freezes_come_from_its_tracks() -> None:
    fact = snapshots(recording_facts(jitsi_peer(SAFARI)))[-1]
    watched = [stream for stream in of(InboundRtp, fact) if stream.frame_width]
    assert {(stream.frame_width, stream.frame_height) for stream in watched} == {(320, 180)}
    assert [stream.freeze_count for stream in watched] == [2, 1]


def test_firefox_does_not_say_what_it_cannot_measure() -> None:
    fact = snapshots(recording_facts(jitsi_peer(FIREFOX)))[-1]
    (pair,) = of(CandidatePair, fact)
    assert pair.current_round_trip_time is None
    assert {stream.concealed_samples for stream in of(InboundRtp, fact)} == {None}
    assert {stream.packets_discarded for stream in of(InboundRtp, fact)} == {None, 0}


def test_devices_and_permissions_are_told() -> None:
    facts = recording_facts(jitsi_peer(RECONNECT))
    permissions = [
        (fact.metadata["device_type"], fact.metadata["permission"])
        for fact in facts
        if isinstance(fact, Happened) and fact.name == "media_permission" and fact.metadata
    ]
    assert permissions.count(("AUDIO", "ACCEPTED")) == 3
    assert permissions.count(("VIDEO", "COULD_NOT_START")) == 2
    selected = {fact.device.label for fact in facts if isinstance(fact, DeviceSelected)}
    assert selected == {"Default - Microphone (MH670) (2516:0113)"}


def test_a_shared_screen_is_known_by_its_track() -> None:
    shown = {"id": "d", "tracks": [{"id": "{scr}", "kind": "video", "label": "screen"}]}
    report = {
        "S": {"type": "media-source", "kind": "video", "trackIdentifier": "scr", "timestamp": 0},
        "O": {"type": "outbound-rtp", "kind": "video", "ssrc": 7, "mediaSourceId": "S"},
        "timestamp": 2,
    }
    report["O"]["timestamp"] = 0  # type: ignore[index]
    rows = [
        ["navigator.mediaDevices.getDisplayMedia", None, {}, 1],
        ["navigator.mediaDevices.getDisplayMediaOnSuccess", None, shown, 1],
        ["getstats", "PC_0", report, 2],
    ]
    (peer,) = jitsi.decode_recording("\n".join(map(json.dumps, rows)).encode())
    (fact,) = snapshots(recording_facts(peer))
    assert [track.source for track in fact.tracks] == ["screenshare"]


def test_a_report_that_is_absent_is_gone_and_one_that_returns_starts_anew() -> None:
    deltas = Deltas()

    def after(delta: dict[str, Any]) -> list[dict[str, Any]]:
        return deltas.named("PC_0", delta, absent_is_gone=True)

    inbound, remote = {"type": "inbound-rtp"}, {"type": "remote-inbound-rtp"}
    first = {"I": {**inbound, "timestamp": 0, "jitter": 1, "mid": "b"}, "timestamp": 5}
    whole = {**inbound, "timestamp": 5, "jitter": 1, "mid": "b", "id": "I"}
    assert after(first) == [whole]
    second = {"I": {"mid": "c"}, "J": {**remote, "timestamp": 7}, "timestamp": 9}
    other = {**remote, "timestamp": 7, "id": "J"}
    assert after(second) == [{**whole, "mid": "c"}, other]
    assert after({"J": {}, "timestamp": 9}) == [other]
    anew = {**inbound, "timestamp": 8, "id": "I"}
    assert after({"I": {**inbound, "timestamp": 0}, "timestamp": 8}) == [anew]


@pytest.mark.parametrize(
    "data",
    [b"[1]", b'["getstats"]', b'["a", null, 1, "now"]', b'["a", null, 1, true]', b"{}", b"[", b"x"],
)
def test_what_is_no_line_of_a_dump_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        jitsi.decode_recording(data)


def test_a_dump_without_stats_has_no_peer() -> None:
    assert jitsi.decode_recording(b'["close", null, {}, 1]\n\n') == []
