"""A received stream is joined with its sender: both legs of the path, outages, expectations."""

import pytest

from roomtone.model.facts import Track
from roomtone.report.fold import fold, new_state
from roomtone.report.traces import mirrored, traces
from snapshot_streams import (
    T0,
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
    who,
)


def sender(rtt=0.1, ssrc=1, local=7000, remote=443, until=5, **members):
    """Somebody who sends audio for 7 * until seconds."""
    return tuple(
        snapshot(7 * i, spoken(350 * i, ssrc=ssrc, mid="0", **members), *pair(rtt, local, remote))
        for i in range(until)
    )


def listener(totals, ssrc=1, rtt=0.05, local=8000, remote=443, **track):
    label = Track(f"ssrc:{ssrc}", source="microphone", **track)
    return tuple(
        snapshot(7 * i, heard(total, ssrc=ssrc), *pair(rtt, local, remote), tracks=(label,))
        for i, total in enumerate(totals)
    )


def legs(*facts, others, **options):
    return column(quality(*facts, others=others, **options)["audio_consumer"], "round_trip_time")


def test_through_a_server_the_round_trip_is_the_sum_of_both_legs():
    name = "b:t:mid:0"
    found = legs(*listener([0, 350], ssrc=99, producer_id=name), others={"b": sender()})
    assert found == [0.15, 0.15]


def test_an_unknown_producer_leaves_the_receivers_own_leg():
    assert legs(*listener([0, 350], ssrc=99, producer_id="?"), others={"b": sender()}) == [0.05] * 2


def test_a_forwarded_ssrc_finds_its_producer_without_any_label():
    made = quality(*listener([0, 350]), others={"b": sender()})["audio_consumer"]
    assert column(made, "round_trip_time") == [0.15, 0.15]
    assert column(made, "producer_id") == ["b:t:mid:0"] * 2
    assert column(made, "peer_id") == ["b"] * 2


def test_when_two_are_directly_connected_one_leg_is_the_whole_way():
    direct = sender(rtt=0.1, local=443, remote=8000)
    assert legs(*listener([0, 350], rtt=0.1), others={"b": direct}) == [0.1, 0.1]


def test_two_clients_of_one_server_are_not_directly_connected():
    assert not mirrored(frozenset({(5000, 443)}), frozenset({(6000, 443)}))
    assert mirrored(frozenset({(5000, 6000)}), frozenset({(6000, 5000)}))
    assert mirrored(frozenset({(5000, 61000)}), frozenset({(6000, 5000)}))  # NAT on one side


def test_a_senders_word_older_than_fifteen_seconds_does_not_count():
    totals = [0, 350, 700, 1050, 1400]
    assert legs(*listener(totals), others={"b": sender(until=2)}) == [0.15, 0.15, 0.15, 0.15, 0.05]


def test_a_senders_times_are_put_on_the_servers_clock():
    state = fold(new_state(7000), (who("b"), *sender()))
    (trace,) = traces(state, clock_offset_ms=5_000).values()
    assert trace.legs[0].times[0] == T0 + 5_000


def test_of_several_legs_of_one_camera_the_ssrc_picks_the_right_one():
    track = source("camera-track")
    mesh = tuple(
        snapshot(
            7 * i,
            shown(350 * i, 140 * i, ssrc=ssrc, media_source_id="src"),
            track,
            *pair(rtt, local, 443),
            transport=f"to-{ssrc}",
        )
        for i in range(3)
        for ssrc, rtt, local in ((21, 0.1, 7001), (22, 0.3, 7002))
    )
    watching = tuple(
        snapshot(7 * i, seen(350 * i, 140 * i, ssrc=22), *pair(0.05, 8000, 443)) for i in range(3)
    )
    made = quality(*watching, others={"b": mesh})["video_consumer"]
    assert column(made, "round_trip_time") == [0.35] * 3
    assert column(made, "producer_id") == ["camera-track"] * 3


# --- outages --------------------------------------------------------------------------------------


def test_silence_while_the_sender_sent_is_an_outage_and_counts_as_full_loss():
    made = quality(*listener([0, 350, 350, 700]), others={"b": sender()})
    assert column(made["audio_consumer"], "outage") == [False, False, True, False]
    assert made["audio_consumer"][2]["mos_quality"] == 1.0
    loss = made["audio_consumer_cumulative"]["packet_loss"]
    assert loss["50_or_greater_event_fraction"] == pytest.approx(1 / 3)


def test_silence_of_nobody_knows_whom_is_no_outage():
    made = quality(*listener([0, 350, 350]))
    assert column(made["audio_consumer"], "outage") == [False] * 3
    assert made["audio_consumer"][2]["mos_quality"] is None
    assert made["audio_consumer_cumulative"]["packet_loss"]["avg"] == 0


def test_silence_of_a_muted_sender_is_no_outage():
    muted = (*sender(until=2), snapshot(14, spoken(350, ssrc=1, mid="0")))
    made = quality(*listener([0, 350, 350]), others={"b": muted})
    assert column(made["audio_consumer"], "outage") == [False] * 3


def test_silence_of_a_paused_consumer_is_no_outage():
    playing = listener([0, 350])
    paused = snapshot(14, heard(350), tracks=(Track("ssrc:1", "microphone", paused=True),))
    made = quality(*playing, paused, others={"b": sender()})
    assert column(made["audio_consumer"], "outage") == [False] * 3


def test_silence_of_less_than_five_seconds_is_no_outage():
    brief = (*listener([0, 350]), snapshot(11, heard(350), *pair(0.05)))
    made = quality(*brief, others={"b": sender()})
    assert column(made["audio_consumer"], "outage") == [False] * 3


# --- what a viewer should get ---------------------------------------------------------------------


def watching(**track):
    label = Track("ssrc:2", source="camera", **track)
    return tuple(
        snapshot(7 * i, seen(700 * i, 140 * i, bytes_received=500_000.0 * i), tracks=(label,))
        for i in range(2)
    )


def filming(width, height, fps):
    return tuple(
        snapshot(
            7 * i,
            shown(
                700 * i,
                140 * i,
                ssrc=2,
                frame_width=width,
                frame_height=height,
                media_source_id="src",
            ),
            source("cam", frames_per_second=fps, width=width, height=height),
        )
        for i in range(3)
    )


def test_the_size_expected_is_as_shown_else_as_sent_else_640_by_360():
    def expected(*facts, **options):
        return column(quality(*facts, **options)["video_consumer"], "expected_pixels")[1]

    others = {"b": filming(1280.0, 720.0, 30.0)}
    assert expected(*watching()) == 640 * 360
    assert expected(*watching(), others=others) == 1280 * 720
    shown_small = watching(display_width=320, display_height=180)
    assert expected(*shown_small, others=others) == 320 * 180


def test_a_small_tile_that_is_filled_scores_better_than_a_large_one_that_is_not():
    small = quality(*watching(display_width=640, display_height=480))["video_consumer"][1]
    large = quality(*watching(display_width=1920, display_height=1080))["video_consumer"][1]
    assert small["mos_quality"] > large["mos_quality"]


def test_the_rate_expected_is_the_senders_camera():
    made = quality(*watching(), others={"b": filming(640.0, 480.0, 15.0)})["video_consumer"]
    assert column(made, "expected_frames_per_second") == [15, 15]


def test_half_the_rate_expected_is_lagging():
    slow = tuple(snapshot(7 * i, seen(700 * i, 98 * i)) for i in range(2))
    assert quality(*slow)["video_consumer_cumulative"]["issues"]["lag_fraction"] == 1
    others = {"b": filming(640.0, 480.0, 15.0)}
    found = quality(*slow, others=others)["video_consumer_cumulative"]["issues"]["lag_fraction"]
    assert found == 0


def test_a_still_screen_is_no_failing_camera():
    def screen(source_name):
        label = Track("ssrc:2", source=source_name)
        return tuple(
            snapshot(7 * i, seen(40 * i, 7 * i, bytes_received=7000.0 * i), tracks=(label,))
            for i in range(2)
        )

    still = quality(*screen("screenshare"))["screenshare_video_consumer"][1]
    camera = quality(*screen("camera"))["video_consumer"][1]
    assert still["mos_quality"] > 4
    assert camera["mos_quality"] < 2


def test_readings_are_on_the_servers_clock():
    made = report(*listener([0, 350]), offset=3_600_000)
    stamps = [x.timestamp for x in made.peer_report.quality.audio_consumer]
    assert stamps == ["2023-11-14T23:13:20.000Z", "2023-11-14T23:13:27.000Z"]
    assert at(0) == T0
