"""Reports of real calls add up to what the browsers counted, and tell a bad call from a good."""

from collections import defaultdict

import msgspec
import pytest

from recorded_calls import (
    as_json,
    call_facts,
    collected_facts,
    last_stats,
    raw_samples,
    reports,
    snapshots,
)
from recount import assert_follows, assert_old_block_follows
from roomtone.model.peer_report import PeerReport
from roomtone.model.stats import InboundRtp, OutboundRtp

CALLS = ("clean", "lossy", "mesh3-clean")


def sums(quality, array, *members):
    """Each member summed over the readings, by ssrc; readings of both groups."""
    found = defaultdict(lambda: dict.fromkeys(members, 0))
    for name in (array, f"screenshare_{array}"):
        for reading in quality[name]:
            for member in members:
                found[reading["ssrc"]][member] += reading[member] or 0
    return dict(found)


@pytest.mark.parametrize("call", CALLS)
def test_the_readings_of_received_streams_add_up_to_the_raw_counters(call):
    for label, report in reports(call_facts(call)).items():
        quality = as_json(report)["peer_report"]["quality"]
        for pc in (pc for pc in raw_samples(call)[-1] if pc.split("-")[0] == label):
            for raw in last_stats(call, pc, "inbound-rtp"):
                members = {"packets_received": "packetsReceived", "bytes_received": "bytesReceived"}
                members |= {"jitter_buffer_emitted_count": "jitterBufferEmittedCount"}
                if raw["kind"] == "video":
                    members |= {"frames_decoded": "framesDecoded", "nack_count": "nackCount"}
                    members |= {"key_frames_decoded": "keyFramesDecoded"}
                else:
                    members |= {"concealment_events": "concealmentEvents"}
                counted = sums(quality, f"{raw['kind']}_consumer", *members)[raw["ssrc"]]
                assert counted == {ours: raw[theirs] for ours, theirs in members.items()}


@pytest.mark.parametrize("call", CALLS)
def test_the_readings_of_sent_streams_add_up_to_the_raw_counters(call):
    for label, report in reports(call_facts(call)).items():
        quality = as_json(report)["peer_report"]["quality"]
        for pc in (pc for pc in raw_samples(call)[-1] if pc.split("-")[0] == label):
            for raw in last_stats(call, pc, "outbound-rtp"):
                members = {"packets_sent": "packetsSent", "bytes_sent": "bytesSent"}
                members |= {"nack_count": "nackCount"}
                if raw["kind"] == "video":
                    members |= {"frames_encoded": "framesEncoded", "pli_count": "pliCount"}
                counted = sums(quality, f"{raw['kind']}_producer", *members)[raw["ssrc"]]
                assert counted == {ours: raw[theirs] for ours, theirs in members.items()}


@pytest.mark.parametrize("call", CALLS)
def test_lost_packets_add_up_to_the_running_maximum_of_the_signed_counter(call):
    highest = defaultdict(int)
    for sample in raw_samples(call):
        for pc, of_pc in sample.items():
            for raw in of_pc["stats"]:
                if raw["type"] == "inbound-rtp":
                    key = (pc.split("-")[0], raw["kind"], raw["ssrc"])
                    highest[key] = max(highest[key], raw["packetsLost"])
    made = {label: as_json(report) for label, report in reports(call_facts(call)).items()}
    for (label, kind, ssrc), lost in highest.items():
        quality = made[label]["peer_report"]["quality"]
        counted = sums(quality, f"{kind}_consumer", "packets_lost")[ssrc]["packets_lost"]
        final = next(
            raw["packetsLost"]
            for pc in raw_samples(call)[-1]
            if pc.split("-")[0] == label
            for raw in last_stats(call, pc, "inbound-rtp")
            if raw["ssrc"] == ssrc
        )
        assert final <= counted <= lost


@pytest.mark.parametrize("recording", ["realtimekit-clean", "realtimekit-mute"])
def test_a_call_of_the_vendors_client_adds_up_to_its_last_totals(recording):
    facts = collected_facts(recording)
    for peer_id, report in reports(facts).items():
        quality = as_json(report)["peer_report"]["quality"]
        last = {}
        for snapshot in sorted(snapshots(facts[peer_id]), key=lambda each: each.t):
            for stat in snapshot.stats:
                if isinstance(stat, InboundRtp | OutboundRtp):
                    last[(type(stat), stat.kind, stat.ssrc)] = stat
        assert last
        for (way, kind, ssrc), stat in last.items():
            array = f"{kind}_{'consumer' if way is InboundRtp else 'producer'}"
            packets = "packets_received" if way is InboundRtp else "packets_sent"
            frames = "frames_decoded" if way is InboundRtp else "frames_encoded"
            members = (packets, frames) if kind == "video" else (packets,)
            counted = sums(quality, array, *members)[ssrc]
            assert counted == {member: getattr(stat, member) for member in members}


def test_the_screen_of_the_vendors_client_has_arrays_of_its_own():
    made = reports(collected_facts("realtimekit-clean"))
    shared = [r for r in made.values() if r.peer_report.quality.screenshare_video_producer]
    assert len(shared) == 1
    cumulative = shared[0].peer_report.quality.screenshare_video_producer_cumulative
    assert cumulative.frame_width.avg > 0


def test_consumers_of_the_vendors_client_know_whom_they_hear():
    made = reports(collected_facts("realtimekit-clean"))
    for peer_id, report in made.items():
        (other,) = made.keys() - {peer_id}
        heard = report.peer_report.quality.audio_consumer
        assert {reading.peer_id for reading in heard} == {other}
        sent = {x.producer_id for x in made[other].peer_report.quality.audio_producer}
        assert {reading.producer_id for reading in heard} <= sent


def test_a_peer_that_left_and_came_back_has_two_reports():
    assert len(reports(collected_facts("realtimekit-mute"))) == 3


@pytest.mark.parametrize("call", [*CALLS, "realtimekit-clean", "realtimekit-mute"])
@pytest.mark.parametrize("scale", ["mos", "vendor"])
def test_every_cumulative_number_follows_from_the_readings_beside_it(call, scale):
    facts = collected_facts(call) if call.startswith("realtimekit") else call_facts(call)
    for report in reports(facts, scale=scale).values():
        made = as_json(report)
        assert_follows(made["peer_report"]["quality"])
        assert_old_block_follows(made["quality_stats"])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reading_ms", [1000, 3000, 20_000])
def test_the_cadence_changes_how_many_readings_there_are_but_not_their_sum(call, reading_ms):
    usual = reports(call_facts(call))
    other = reports(call_facts(call), reading_ms=reading_ms)
    for label in usual:
        one, two = usual[label].quality_stats, other[label].quality_stats
        assert one.total_audio_packets == two.total_audio_packets
        assert one.total_video_packets == two.total_video_packets
    counts = {len(report.peer_report.quality.audio_producer) for report in other.values()}
    assert counts != {len(r.peer_report.quality.audio_producer) for r in usual.values()}


def test_readings_come_every_seven_seconds_with_a_first_at_once_and_a_last_of_what_is_left():
    quality = reports(call_facts("clean"))["a"].peer_report.quality
    one = [x for x in quality.audio_producer if x.ssrc == quality.audio_producer[0].ssrc]
    lengths = [x.interval_ms for x in one]
    assert lengths[0] is None
    assert all(6_500 <= length <= 8_000 for length in lengths[1:-1])
    assert 0 < lengths[-1] <= 8_000
    assert one[0].mos_quality is None


def mean_mos(call, array):
    made = reports(call_facts(call))
    found = [
        x.mos_quality
        for report in made.values()
        for x in getattr(report.peer_report.quality, array)
        if x.mos_quality is not None
    ]
    return sum(found) / len(found)


@pytest.mark.parametrize("array", ["audio_consumer", "audio_producer"])
def test_the_audio_of_the_lossy_call_scores_lower_than_that_of_the_clean_one(array):
    assert mean_mos("lossy", array) < mean_mos("clean", array) - 0.5


def test_the_video_of_the_lossy_call_froze_while_it_began_and_asked_for_packets_again():
    for label in ("a", "b"):
        lossy = reports(call_facts("lossy"))[label].peer_report.quality.video_consumer
        clean = reports(call_facts("clean"))[label].peer_report.quality.video_consumer
        assert lossy[1].frozen_fraction > 0.05
        assert lossy[1].mos_quality < clean[1].mos_quality - 0.2
        assert sum(x.nack_count for x in lossy) > 90
        assert sum(x.nack_count + (x.frozen_fraction or 0) for x in clean) == 0


def test_the_lossy_call_shows_its_five_percent_and_the_clean_one_none():
    for label in ("a", "b"):
        lossy = reports(call_facts("lossy"))[label].quality_stats
        clean = reports(call_facts("clean"))[label].quality_stats
        assert 3 < lossy.audio_packet_loss < 7
        assert clean.audio_packet_loss == 0
        assert lossy.average_quality < clean.average_quality


def test_the_lossy_call_shows_its_round_trip_of_200_ms_once_though_both_ends_measure_it():
    for report in reports(call_facts("lossy")).values():
        quality = report.peer_report.quality
        assert 200 <= quality.audio_producer_cumulative.rtt.avg <= 210
        assert all(0.2 <= x.round_trip_time <= 0.21 for x in quality.audio_consumer)


def test_in_a_mesh_every_consumer_finds_its_sender_by_ssrc_and_the_path_is_one_leg():
    made = reports(call_facts("mesh3-clean"))
    for label, report in made.items():
        others = {f"peer-{other}" for other in made if other != label}
        heard = report.peer_report.quality.audio_consumer
        assert {x.peer_id for x in heard} == others
        assert all(x.producer_id is not None for x in heard)
        assert all(x.round_trip_time < 0.05 for x in heard)


def test_one_camera_sent_twice_in_a_mesh_is_one_producer():
    quality = reports(call_facts("mesh3-clean"))["a"].peer_report.quality
    assert len({x.producer_id for x in quality.video_producer}) == 1
    assert len({x.ssrc for x in quality.video_producer}) == 2


@pytest.mark.parametrize("call", CALLS)
def test_a_report_survives_its_own_json(call):
    for report in reports(call_facts(call)).values():
        body = msgspec.json.encode(report)
        assert msgspec.json.encode(msgspec.json.decode(body, type=PeerReport)) == body


def test_the_vendors_scale_stays_between_0_and_1_and_says_its_name():
    for report in reports(call_facts("lossy"), scale="vendor").values():
        quality = report.peer_report.quality
        found = [x.mos_quality for x in (*quality.audio_consumer, *quality.video_consumer)]
        assert all(0 <= score <= 1 for score in found)
        assert (report.quality_scale, report.mos_model) == ("vendor", "realtimekit-client-1")
