"""One stream through the fold: cadence, resets, missing members, late losses, pauses, layers."""

import pytest

from roomtone.model.facts import Track
from roomtone.model.stats import QualityLimitationDurations
from snapshot_streams import (
    answer,
    at,
    column,
    heard,
    pair,
    quality,
    report,
    seen,
    shown,
    snapshot,
    source,
    spoken,
)


def test_the_first_reading_holds_what_came_since_the_stream_began_and_has_no_score():
    (first,) = quality(snapshot(0, heard(100, jitter=0.01)))["audio_consumer"]
    assert first["packets_received"] == 100
    assert first["interval_ms"] is None
    assert first["mos_quality"] is None


def test_denser_snapshots_are_merged_to_one_reading_every_seven_seconds():
    dense = [snapshot(i, heard(50 * i)) for i in range(22)]
    readings = quality(*dense)["audio_consumer"]
    assert column(readings, "packets_received") == [0, 350, 350, 350]
    assert column(readings, "interval_ms") == [None, 7000, 7000, 7000]


def test_a_snapshot_half_a_second_early_is_in_time():
    readings = quality(snapshot(0, heard(0)), snapshot(6.5, heard(325)))["audio_consumer"]
    assert column(readings, "packets_received") == [0, 325]


def test_what_is_left_over_at_the_end_is_a_shorter_reading():
    readings = quality(*[snapshot(i, heard(50 * i)) for i in range(10)])["audio_consumer"]
    assert column(readings, "interval_ms") == [None, 7000, 2000]


def test_asking_for_the_report_of_a_live_call_changes_nothing():
    facts = [snapshot(i, heard(50 * i, packets_lost=i)) for i in range(10)]
    assert report(*facts) == report(*facts)


def test_a_report_not_later_than_the_one_before_is_ignored():
    readings = quality(
        snapshot(0, heard(0)),
        snapshot(7, heard(350)),
        snapshot(7, heard(999)),
        snapshot(5, heard(999)),
    )["audio_consumer"]
    assert column(readings, "packets_received") == [0, 350]


def test_a_counter_reset_gives_no_reading_for_its_interval_and_keeps_what_was_counted():
    readings = quality(
        snapshot(0, heard(100)),
        snapshot(7, heard(450)),
        snapshot(14, heard(20)),
        snapshot(21, heard(370)),
    )["audio_consumer"]
    assert column(readings, "packets_received") == [100, 350, 350]


def test_what_was_pending_before_a_reset_is_a_reading_of_its_own():
    readings = quality(
        snapshot(0, heard(0)),
        snapshot(3, heard(150)),
        snapshot(4, heard(5)),
        snapshot(11, heard(355)),
    )["audio_consumer"]
    assert column(readings, "packets_received") == [0, 150, 350]
    assert column(readings, "interval_ms") == [None, 3000, 7000]


def test_another_ssrc_under_the_same_id_is_another_stream():
    other = heard(30, ssrc=9)
    other = type(other)(**{f: getattr(other, f) for f in other.__struct_fields__} | {"id": "in-1"})
    readings = quality(snapshot(0, heard(1000)), snapshot(7, other))["audio_consumer"]
    assert column(readings, "packets_received") == [1000, 30]
    assert column(readings, "interval_ms") == [None, None]


def test_missing_is_not_zero():
    (reading,) = quality(snapshot(0, heard(None, packets_lost=None)))["audio_consumer"]
    for member in ("packets_received", "packets_lost", "jitter", "concealment_events"):
        assert reading[member] is None


def test_zero_is_a_baseline():
    readings = quality(snapshot(0, heard(0)), snapshot(7, heard(350)))["audio_consumer"]
    assert column(readings, "packets_received") == [0, 350]


def test_a_member_that_comes_late_counts_from_the_streams_beginning():
    readings = quality(snapshot(0, heard(10)), snapshot(7, heard(360, concealment_events=3)))[
        "audio_consumer"
    ]
    assert column(readings, "concealment_events") == [None, 3]


def test_losses_that_are_taken_back_are_not_counted_twice():
    totals = (0, 10, 8, 12)
    readings = quality(
        *[snapshot(7 * i, heard(350 * i, packets_lost=float(n))) for i, n in enumerate(totals)]
    )["audio_consumer"]
    assert column(readings, "packets_lost") == [0, 10, 0, 2]


def test_a_reports_own_time_counts_and_not_the_snapshots():
    late = heard(350)
    late = type(late)(
        **{f: getattr(late, f) for f in late.__struct_fields__} | {"timestamp": at(7)}
    )
    readings = quality(snapshot(0, heard(0)), snapshot(9, late))["audio_consumer"]
    assert column(readings, "interval_ms") == [None, 7000]


def test_a_time_that_is_no_epoch_time_gives_way_to_the_snapshots():
    odd = heard(350)
    odd = type(odd)(**{f: getattr(odd, f) for f in odd.__struct_fields__} | {"timestamp": 7000.5})
    readings = quality(snapshot(0, heard(0)), snapshot(7, odd))["audio_consumer"]
    assert column(readings, "interval_ms") == [None, 7000]


def test_a_stream_that_a_snapshot_left_out_was_paused_and_is_not_scored():
    readings = quality(
        snapshot(0, heard(0), spoken(0)),
        snapshot(7, heard(350), spoken(350)),
        snapshot(14, spoken(700)),
        snapshot(21, heard(700), spoken(1050)),
        snapshot(28, heard(1050), spoken(1400)),
    )["audio_consumer"]
    assert column(readings, "paused") == [False, False, True, False]
    assert [x["mos_quality"] is None for x in readings] == [True, False, True, False]


def test_a_stream_labelled_paused_is_not_scored_and_not_aggregated():
    paused = (Track("ssrc:2", paused=True),)
    made = quality(
        snapshot(0, seen(0, 0)),
        snapshot(7, seen(500, 140)),
        snapshot(14, seen(1000, 140, packets_lost=500), tracks=paused),
    )
    assert column(made["video_consumer"], "mos_quality")[2] is None
    assert column(made["video_consumer"], "frames_per_second") == [None, 20.0, None]
    assert made["video_consumer_cumulative"]["packet_loss"]["avg"] == 0


def test_a_camera_that_is_off_has_no_frame_rate_and_is_no_failure():
    made = quality(
        snapshot(0, shown(0, 0)), snapshot(7, shown(700, 140)), snapshot(14, shown(700, 140))
    )
    assert column(made["video_producer"], "frames_per_second") == [None, 20.0, None]
    assert made["video_producer_cumulative"]["issues"]["no_video_fraction"] == 0


def test_packets_without_frames_are_no_video():
    made = quality(
        snapshot(0, seen(0, 0)), snapshot(7, seen(500, 140)), snapshot(14, seen(900, 140))
    )
    assert made["video_consumer_cumulative"]["issues"]["no_video_fraction"] == 0.5
    assert column(made["video_consumer"], "mos_quality")[2] == 1.0


def test_a_minute_and_more_in_one_interval_is_not_scored():
    readings = quality(snapshot(0, heard(0)), snapshot(61, heard(3000)))["audio_consumer"]
    assert readings[1]["mos_quality"] is None


def test_fewer_than_25_packets_give_neither_loss_nor_score():
    made = quality(snapshot(0, heard(0)), snapshot(7, heard(20, packets_lost=4.0)))
    assert made["audio_consumer_cumulative"]["packet_loss"] == {}
    assert made["audio_consumer"][1]["mos_quality"] is None


def test_what_was_audibly_made_up_counts_more_than_what_was_lost():
    samples = {"total_samples_received": 336_000.0, "silent_concealed_samples": 0.0}
    zero = {"total_samples_received": 0.0, "silent_concealed_samples": 0.0}
    made = {
        n: quality(
            snapshot(0, heard(0, concealed_samples=0.0, **zero)),
            snapshot(7, heard(350, concealed_samples=n, **samples)),
        )["audio_consumer"][1]
        for n in (0.0, 33_600.0)
    }
    assert made[33_600.0]["audible_concealment_fraction"] == 0.1
    assert made[33_600.0]["mos_quality"] < made[0.0]["mos_quality"] - 1


# --- producers ------------------------------------------------------------------------------------


def test_a_producers_loss_jitter_and_round_trip_are_those_of_new_reports_only():
    made = quality(
        snapshot(0, spoken(0)),
        snapshot(7, spoken(350), answer(3, 7, 6, jitter=0.01, round_trip_time=0.08)),
        snapshot(14, spoken(700), answer(3, 7, 6, jitter=0.01, round_trip_time=0.08)),
        snapshot(21, spoken(1050), answer(3, 10, 20, jitter=0.02, round_trip_time=0.09)),
    )["audio_producer"]
    assert column(made, "packets_lost") == [None, 7, None, 3]
    assert column(made, "jitter") == [None, 0.01, None, 0.02]
    assert column(made, "rtt") == [None, 0.08, None, 0.09]


def test_a_producers_round_trip_is_the_mean_of_those_measured_in_the_interval():
    def measured(total, count, seconds):
        return answer(
            3,
            0,
            seconds,
            round_trip_time=9,
            total_round_trip_time=total,
            round_trip_time_measurements=count,
        )

    made = quality(
        snapshot(0, spoken(0)),
        snapshot(7, spoken(350), measured(0.2, 2, 6)),
        snapshot(14, spoken(700), measured(0.8, 4, 13)),
    )["audio_producer"]
    assert column(made, "rtt") == [None, 0.1, 0.3]


def test_without_reports_the_pairs_round_trip_stands_in():
    made = quality(snapshot(0, spoken(0)), snapshot(7, spoken(350), *pair(0.05)))["audio_producer"]
    assert column(made, "rtt") == [None, 0.05]


def test_simulcast_layers_are_one_producer_summed_with_the_size_of_the_highest():
    def layers(i, high_frames):
        low = shown(100 * i, 140 * i, ssrc=10, mid="1", frame_width=320, frame_height=180)
        high = shown(500 * i, high_frames, ssrc=11, mid="1", frame_width=1280, frame_height=720)
        reports = answer(10, i, 7 * i - 1, jitter=0.01, round_trip_time=0.07)
        others = answer(11, 2 * i, 7 * i - 1, jitter=0.03, round_trip_time=0.05)
        return snapshot(7 * i, low, high, reports, others)

    made = quality(layers(0, 0), layers(1, 175), layers(2, 175))["video_producer"]
    assert len({x["producer_id"] for x in made}) == 1
    assert column(made, "packets_sent") == [0, 600, 600]
    assert column(made, "packets_lost") == [0, 3, 3]
    assert column(made, "frames_encoded") == [0, 315, 140]
    assert column(made, "rtt") == [0.05, 0.05, 0.05]
    assert column(made, "jitter") == [0.03, 0.03, 0.03]
    # In the third the high layer was off: the low one is the highest that had frames.
    assert column(made, "frame_width")[1:] == [1280, 320]
    assert column(made, "ssrc")[1:] == [11, 10]
    assert column(made, "frames_per_second") == [None, 25.0, 20.0]


def test_a_layer_that_starts_anew_does_not_take_the_others_packets_with_it():
    def layers(seconds, low, high):
        return snapshot(seconds, shown(low, 0, ssrc=10, mid="1"), shown(high, 0, ssrc=11, mid="1"))

    made = quality(layers(0, 0, 0), layers(7, 100, 500), layers(14, 200, 3), layers(21, 300, 503))[
        "video_producer"
    ]
    # 600 before the reset; after it 200 of the low layer and 500 of the high one's new epoch.
    assert sum(column(made, "packets_sent")) == 600 + 200 + 500


def test_limitation_seconds_are_those_of_the_interval():
    def limited(i, cpu):
        spent = QualityLimitationDurations(none=7 * i - cpu, cpu=cpu)
        return shown(
            350 * i, 140 * i, quality_limitation_durations=spent, quality_limitation_reason="cpu"
        )

    made = quality(*[snapshot(7 * i, limited(i, cpu)) for i, cpu in enumerate((0, 3.5, 3.5))])
    assert [x["quality_limitation_durations"]["cpu"] for x in made["video_producer"]] == [0, 3.5, 0]
    assert made["video_producer_cumulative"]["issues"]["cpu_quality_limitation_fraction"] == 0.25
    assert made["video_producer_cumulative"]["issues"]["quality_limitation_fraction"] == 0.25


def test_without_limitation_seconds_the_reasons_are_counted():
    def limited(i, reason):
        return snapshot(7 * i, shown(350 * i, 140 * i, quality_limitation_reason=reason))

    issues = quality(limited(0, "none"), limited(1, "bandwidth"), limited(2, "none"))[
        "video_producer_cumulative"
    ]["issues"]
    assert issues["bandwidth_quality_limitation_fraction"] == 0.5
    assert issues["cpu_quality_limitation_fraction"] == 0


def test_padding_over_the_encoders_target_buys_no_better_score():
    def sent(bytes_sent, target):
        return quality(
            snapshot(0, shown(0, 0, bytes_sent=0.0, frame_width=640, frame_height=360)),
            snapshot(
                7,
                shown(
                    900,
                    140,
                    bytes_sent=bytes_sent,
                    target_bitrate=target,
                    frame_width=640,
                    frame_height=360,
                ),
            ),
        )["video_producer"][1]["mos_quality"]

    assert sent(4_000_000.0, 300_000) == sent(300_000 * 7 / 8, 300_000) < sent(4_000_000.0, None)


def test_many_requests_for_pictures_are_high_negative_feedback():
    made = quality(
        snapshot(0, shown(0, 0, pli_count=0.0)),
        snapshot(7, shown(350, 140, pli_count=4.0)),
        snapshot(14, shown(700, 280, pli_count=5.0)),
        snapshot(21, shown(1050, 420, pli_count=5.0, nack_count=18.0)),
        snapshot(28, shown(1400, 560, pli_count=5.0, nack_count=18.0)),
    )
    fraction = made["video_producer_cumulative"]["high_negative_feedback_fraction"]
    assert fraction == pytest.approx(0.5)


# --- labels ---------------------------------------------------------------------------------------


def test_streams_that_nobody_labelled_are_microphone_and_camera():
    made = quality(snapshot(0, heard(1), seen(1, 1), spoken(1), shown(1, 1)))
    filled = {name for name, rows in made.items() if rows}
    assert {name for name in filled if not name.endswith("_cumulative")} == {
        "audio_consumer",
        "video_consumer",
        "audio_producer",
        "video_producer",
    }


@pytest.mark.parametrize(
    ("stat", "said", "array"),
    [
        (heard(1), "screenshare_audio", "screenshare_audio_consumer"),
        (heard(1), "screenshare", "screenshare_audio_consumer"),
        (seen(1, 1), "screenshare", "screenshare_video_consumer"),
        (spoken(1), "screenshare_audio", "screenshare_audio_producer"),
        (shown(1, 1), "screenshare", "screenshare_video_producer"),
        (shown(1, 1), "camera", "video_producer"),
    ],
)
def test_a_labelled_stream_is_in_its_array(stat, said, array):
    made = quality(snapshot(0, stat, tracks=(Track(f"ssrc:{stat.ssrc}", source=said),)))
    assert len(made[array]) == 1


@pytest.mark.parametrize("match", ["ssrc:2", "track:abc", "mid:7"])
def test_a_label_finds_its_stream_by_ssrc_track_or_mid(match):
    stream = seen(1, 1, mid="7", track_identifier="abc")
    label = Track(match, "screenshare", "producer", "consumer", "sender")
    (reading,) = quality(snapshot(0, stream, tracks=(label,)))["screenshare_video_consumer"]
    assert reading["producer_id"] == "producer"
    assert reading["consumer_id"] == "consumer"
    assert reading["peer_id"] == "sender"


def test_a_label_that_comes_late_also_holds_for_the_time_before():
    label = (Track("ssrc:2", source="screenshare"),)
    made = quality(
        snapshot(0, seen(0, 0)), snapshot(7, seen(99, 9)), snapshot(14, seen(200, 20), tracks=label)
    )
    assert len(made["screenshare_video_consumer"]) == 3
    assert made["video_consumer"] == []


def test_a_sender_that_turns_from_camera_to_screen_is_split_where_it_turned():
    def sending(seconds, packets, what):
        tracks = (Track("ssrc:4", source=what, producer_id=f"of-{what}"),)
        return snapshot(seconds, shown(packets, 0), tracks=tracks)

    made = quality(
        sending(0, 0, "camera"),
        sending(3, 300, "camera"),
        sending(4, 400, "screenshare"),
        sending(11, 1100, "screenshare"),
    )
    assert column(made["video_producer"], "packets_sent") == [0, 300]
    assert sum(column(made["screenshare_video_producer"], "packets_sent")) == 800
    assert set(column(made["screenshare_video_producer"], "producer_id")) == {"of-screenshare"}


def test_without_a_label_a_producer_goes_by_its_track_else_by_its_place():
    named = quality(snapshot(0, spoken(1, media_source_id="src"), source("mic-track")))
    assert column(named["audio_producer"], "producer_id") == ["mic-track"]
    placed = quality(snapshot(0, spoken(1, mid="0")))
    assert column(placed["audio_producer"], "producer_id") == ["peer:t:mid:0"]
