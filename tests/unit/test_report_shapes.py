"""The report's shape: every field that the vendor's SDKs know, by name and type, old and new.

The lists are those of the public SDK documentation: TypeScript 6.0.0 (old blocks, participant's
details) and Python 5.9.0 (``peer_report``).
"""

import pytest

from roomtone.model.readings import AudioProducerReading
from roomtone.model.stats import QualityLimitationDurations
from roomtone.report.build import details
from roomtone.report.cumulative import audio_producer
from snapshot_streams import (
    answer,
    heard,
    json_of,
    pair,
    report,
    seen,
    shown,
    snapshot,
    source,
    spoken,
)

NUMBER = (int, float, type(None))
TEXT = (str, type(None))
FLAG = (bool, type(None))


def same(kinds, names):
    return dict.fromkeys(names.split(), kinds)


PACKET_LOSS = same(NUMBER, "avg") | {
    f"{n}_or_greater_event_fraction": NUMBER for n in (5, 10, 25, 50)
}
DELAY = same(NUMBER, "avg") | {f"{n}ms_or_greater_event_fraction": NUMBER for n in (100, 250, 500)}
SPREAD = same(NUMBER, "avg p50 p75 p90")

AUDIO_PRODUCER = same(TEXT, "timestamp producer_id mid") | same(
    NUMBER, "ssrc packets_sent bytes_sent packets_lost jitter rtt mos_quality"
)
AUDIO_CONSUMER = same(TEXT, "timestamp consumer_id peer_id producer_id mid") | same(
    NUMBER,
    "ssrc packets_received bytes_received packets_lost jitter jitter_buffer_delay"
    " jitter_buffer_emitted_count concealment_events mos_quality",
)
VIDEO_PRODUCER = AUDIO_PRODUCER | {
    **same(
        NUMBER,
        "frame_width frame_height frames_encoded frames_per_second key_frames_encoded fir_count"
        " pli_count quality_limitation_resolution_changes",
    ),
    "quality_limitation_reason": TEXT,
    "quality_limitation_durations": same(NUMBER, "bandwidth cpu none other"),
}
VIDEO_CONSUMER = {k: v for k, v in AUDIO_CONSUMER.items() if k != "concealment_events"} | same(
    NUMBER,
    "frame_width frame_height frames_decoded frames_dropped frames_per_second key_frames_decoded"
    " fir_count",
)
AUDIO_PRODUCER_SUM = {"packet_loss": PACKET_LOSS, "quality_mos": SPREAD, "rtt": DELAY}
AUDIO_CONSUMER_SUM = {
    "packet_loss": PACKET_LOSS,
    "quality_mos": SPREAD,
    "jitter_buffer_delay": DELAY,
}
VIDEO_PRODUCER_SUM = AUDIO_PRODUCER_SUM | {
    "frame_per_second": SPREAD,
    "frame_width": SPREAD,
    **same(NUMBER, "key_frames_encoded_fraction high_negative_feedback_fraction"),
    "issues": same(
        NUMBER,
        "bandwidth_quality_limitation_fraction cpu_quality_limitation_fraction"
        " quality_limitation_fraction no_video_fraction poor_resolution_fraction",
    ),
}
VIDEO_CONSUMER_SUM = AUDIO_CONSUMER_SUM | {
    "frame_per_second": SPREAD,
    "frame_width": SPREAD,
    "key_frames_decoded_fraction": NUMBER,
    "issues": same(NUMBER, "lag_fraction no_video_fraction poor_resolution_fraction"),
}
PLAIN = {
    "audio_producer": [AUDIO_PRODUCER],
    "audio_consumer": [AUDIO_CONSUMER],
    "video_producer": [VIDEO_PRODUCER],
    "video_consumer": [VIDEO_CONSUMER],
    "audio_producer_cumulative": AUDIO_PRODUCER_SUM,
    "audio_consumer_cumulative": AUDIO_CONSUMER_SUM,
    "video_producer_cumulative": VIDEO_PRODUCER_SUM,
    "video_consumer_cumulative": VIDEO_CONSUMER_SUM,
}
SCREEN = {
    f"screenshare_{name}": [] if isinstance(shape, list) else {} for name, shape in PLAIN.items()
}
PAIR = (
    same(FLAG, "nominated")
    | same(
        NUMBER,
        "available_incoming_bitrate available_outgoing_bitrate bytes_discarded_on_send"
        " bytes_received bytes_sent current_round_trip_time last_packet_received_timestamp"
        " last_packet_sent_timestamp local_candidate_port local_candidate_related_port"
        " packets_discarded_on_send packets_received packets_sent remote_candidate_port"
        " total_round_trip_time",
    )
    | same(
        TEXT,
        "local_candidate_address local_candidate_id local_candidate_network_type"
        " local_candidate_protocol local_candidate_type local_candidate_related_address"
        " local_candidate_url remote_candidate_address remote_candidate_id"
        " remote_candidate_protocol remote_candidate_type remote_candidate_url",
    )
)
METADATA = {
    "audio_devices_updates": [],
    "video_devices_updates": [],
    "speaker_devices_updates": [],
    "selected_device_updates": [],
    "browser_metadata": same(TEXT, "browser browser_version engine user_agent")
    | {"webgl_support": FLAG},
    "device_info": {
        "cpus": NUMBER,
        "is_mobile": FLAG,
        "os": TEXT,
        "os_version": TEXT,
    },
    "native_metadata": same(TEXT, "audio_encoder video_encoder"),
    **same(TEXT, "sdk_name sdk_type sdk_version room_view_type"),
    "ip_information": same(TEXT, "city country ipv4 org region timezone")
    | {"asn": same(TEXT, "asn domain name route type")},
    "pc_metadata": [],
    "events": [],
    "candidate_pairs": {"producing_transport": [PAIR], "consuming_transport": [PAIR]},
}
DEVICE_INFO = {
    **same(TEXT, "browser browser_version engine os os_version sdk_name sdk_version user_agent"),
    "cpus": NUMBER,
    **same(FLAG, "is_mobile webgl_support"),
}
IP = same(TEXT, "city country ip_location ipv4 org region timezone")
PRECALL = same(NUMBER, "backend_rtt fractional_loss jitter rtt") | {
    "effective_networktype": TEXT,
    **same(FLAG, "reflexive_connectivity relay_connectivity turn_connectivity"),
}
BASE = {
    **same(
        TEXT,
        "id created_at custom_participant_id display_name joined_at left_at preset_name"
        " updated_at user_id",
    ),
    "duration": NUMBER,
}
PEER_REPORT = BASE | {
    **same(TEXT, "role session_id"),
    "peer_report": {"metadata": METADATA, "quality": PLAIN | SCREEN},
    "peer_stats": {
        "device_info": DEVICE_INFO,
        "events": [],
        "ip_information": IP | {"asn": {"asn": TEXT}},
        "precall_network_information": PRECALL | {"throughput": NUMBER},
    },
    "quality_stats": {
        **same(NUMBER, "audio_bandwidth average_quality video_bandwidth"),
        **same(TEXT, "start end"),
        **{
            f"{end}_{kind}_packet_received": TEXT
            for end in ("first", "last")
            for kind in ("audio", "video")
        },
        **same(
            NUMBER,
            "total_audio_packets total_audio_packets_lost total_video_packets"
            " total_video_packets_lost",
        ),
        "peer_ids": [TEXT],
        "audio_stats": [{}],
        "video_stats": [{}],
    },
}
STAT = {"timestamp": TEXT, **same(NUMBER, "jitter packets_lost quality")}
DETAILS = BASE | {
    "peer_stats": {
        **same(TEXT, "config status"),
        "device_info": DEVICE_INFO | {"memory": NUMBER},
        "events": [],
        "ip_information": IP | {"portal": TEXT},
        "precall_network_information": PRECALL | {"throughtput": NUMBER},
    },
    "quality_stats": [
        {
            **same(
                NUMBER,
                "audio_bandwidth audio_packet_loss average_quality video_bandwidth"
                " video_packet_loss",
            ),
            **same(TEXT, "start end peer_id"),
            "audio_stats": [STAT | {"concealment_events": NUMBER}],
            "video_stats": [
                STAT | same(NUMBER, "frame_height frame_width frames_dropped frames_per_second")
            ],
        }
    ],
}


def misfits(got, shape, where=""):
    """What of ``shape`` is missing in ``got`` or has another type."""
    if isinstance(shape, dict):
        if not isinstance(got, dict):
            yield f"{where} is no object"
            return
        for name, inner in shape.items():
            if name in got:
                yield from misfits(got[name], inner, f"{where}.{name}")
            else:
                yield f"{where}.{name} is missing"
    elif isinstance(shape, list):
        if not isinstance(got, list) or (shape and not got):
            yield f"{where} is no list with something in it"
        elif shape:
            for each in got:
                yield from misfits(each, shape[0], f"{where}[]")
    elif not isinstance(got, shape) or (isinstance(got, bool) and bool not in shape):
        yield f"{where} is {got!r}"


def call():
    """A call of everything: sent and received, measured in every member."""
    spent = {"quality_limitation_reason": "none"}
    audio = {"total_samples_received": 1.0, "jitter_buffer_delay": 1.0}
    return tuple(
        snapshot(
            7 * i,
            heard(350 * i, jitter_buffer_emitted_count=100.0 * (i + 1), **audio),
            seen(
                700 * i,
                140 * i,
                key_frames_decoded=0.0,
                jitter_buffer_delay=1.0 * i,
                jitter_buffer_emitted_count=140.0 * i,
                bytes_received=1e5 * i,
            ),
            spoken(350 * i, media_source_id="src"),
            shown(
                700 * i,
                140 * i,
                key_frames_encoded=0.0,
                pli_count=0.0,
                frame_width=640.0,
                frame_height=480.0,
                bytes_sent=1e5 * i,
                quality_limitation_durations=QualityLimitationDurations(none=7.0 * i),
                **spent,
            ),
            answer(3, 0, 7 * i - 1, round_trip_time=0.1),
            answer(4, 0, 7 * i - 1, round_trip_time=0.1),
            source("mic"),
            *pair(0.1),
        )
        for i in range(4)
    )


def test_a_peer_report_has_every_field_of_both_generations():
    assert list(misfits(json_of(report(*call())), PEER_REPORT)) == []


def test_a_participants_details_have_every_field_of_the_old_sdks():
    assert list(misfits(json_of(details(report(*call()))), DETAILS)) == []


def test_the_peer_report_and_the_details_do_not_spell_alike():
    spelled = json_of(report())["peer_stats"]["precall_network_information"]
    assert "throughtput" not in spelled
    spelled = json_of(details(report()))["peer_stats"]["precall_network_information"]
    assert "throughput" not in spelled


def test_a_peer_without_any_media_has_the_vendors_empty_forms():
    made = json_of(report())
    quality = made["peer_report"]["quality"]
    assert len(quality) == 16
    for name, value in quality.items():
        assert value == ({} if name.endswith("_cumulative") else [])
    old = made["quality_stats"]
    nothing = {"start", "end", "audio_packet_loss", "video_packet_loss"} | {
        name for name in old if name.startswith(("first_", "last_"))
    }
    assert {name for name, value in old.items() if value is None} == nothing
    assert {name for name, value in old.items() if value == 0} == {
        name for name in old if name.startswith("total_") or name.endswith("_bandwidth")
    } | {"average_quality"}
    assert old["audio_stats"] == old["video_stats"] == []


def test_the_old_object_and_its_list_hold_the_same_numbers():
    made = report(*call())
    (one,) = details(made).quality_stats
    for name in ("start", "average_quality", "audio_bandwidth", "video_packet_loss"):
        assert getattr(one, name) == getattr(made.quality_stats, name)
    assert one.peer_id == made.id


VENDORS_RTT_S = (
    *(0, 0.782913, 0.014374, 0.4953, 0.009659),
    *(0.008514, 0.013321, 0.009888, 0.011932, 0.011108),
)
"""The ten readings of the vendor's published example, whose sums the example holds too."""


def vendors_reading(rtt):
    return AudioProducerReading(
        timestamp="",
        producer_id="p",
        mid="0",
        ssrc=1,
        packets_sent=350,
        bytes_sent=6300,
        packets_lost=0,
        jitter=0,
        rtt=rtt,
        mos_quality=1,
        interval_ms=7000,
        paused=False,
        nack_count=None,
    )


def test_the_vendors_published_example_comes_out_to_the_digit():
    made = json_of(audio_producer([vendors_reading(rtt) for rtt in VENDORS_RTT_S]))
    assert made["rtt"] == {
        "avg": pytest.approx(135.7009, abs=1e-9),
        "100ms_or_greater_event_fraction": 0.2,
        "250ms_or_greater_event_fraction": 0.2,
        "500ms_or_greater_event_fraction": 0.1,
    }
    assert made["packet_loss"] == {
        "avg": 0,
        **{f"{n}_or_greater_event_fraction": 0 for n in (5, 10, 25, 50)},
    }
    assert made["quality_mos"] == {"avg": 1, "p50": 1, "p75": 1, "p90": 1}
