"""Laws 4 and 7: aggregates merge exactly; worse never scores better; a score is always a number."""

from functools import reduce
from math import fsum

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roomtone.quality.aggregates import Delay, PacketLoss, Spread
from roomtone.quality.audio import score_audio
from roomtone.quality.vendor import (
    audio_consumer_score,
    audio_producer_score,
    consumer_loss_percent,
    producer_loss_percent,
    video_score,
)
from roomtone.quality.video import score_screenshare, score_video

# The roots inside the delay term differ by about 1e-15 from one processor to the next.
ROUNDING = 1e-9

anything = st.none() | st.floats()
codecs = st.sampled_from(["opus", "audio/red", "PCMU", "pcma", "g722", "", "x/y"])
video_codecs = st.sampled_from(["vp8", "video/VP9", "H264", "av1", "h265", "", "x"])
models = st.sampled_from(["fb", "nb", "legacy"])
loss = st.floats(0, 100)
rtt = st.floats(0, 30_000)
jitter = st.floats(0, 10_000)
buffer = st.none() | st.floats(0, 30_000)
audio_setup = st.fixed_dictionaries(
    {
        "codec": codecs,
        "bitrate_bps": st.none() | st.floats(1, 600_000),
        "fec": st.booleans(),
        "red": st.booleans(),
        "burst_ratio": st.none() | st.floats(1, 2),
        "concealment": st.booleans(),
        "model": models,
    }
)


def no_better(worse, better):
    return worse.mos <= better.mos + ROUNDING


@given(loss, loss, rtt, jitter, buffer, audio_setup)
def test_more_loss_never_raises_the_mos(one, other, rtt_ms, jitter_ms, buffer_ms, setup):
    less, more = sorted([one, other])
    rest = (rtt_ms, jitter_ms, buffer_ms)
    assert no_better(score_audio(more, *rest, **setup), score_audio(less, *rest, **setup))


@given(loss, rtt, rtt, jitter, buffer, audio_setup)
@example(0, 0, 80.0000001, 0, None, {})
def test_more_round_trip_never_raises_the_mos(lost, one, other, jitter_ms, buffer_ms, setup):
    less, more = sorted([one, other])
    rest = (jitter_ms, buffer_ms)
    assert no_better(
        score_audio(lost, more, *rest, **setup), score_audio(lost, less, *rest, **setup)
    )


@given(loss, rtt, jitter, buffer, audio_setup)
def test_a_round_trip_never_raises_the_mos_over_that_of_listening(
    lost, rtt_ms, jitter_ms, buffer_ms, setup
):
    rest = (jitter_ms, buffer_ms)
    listening = score_audio(lost, None, *rest, **setup)
    assert no_better(score_audio(lost, rtt_ms, *rest, **setup), listening)


@given(loss, st.none() | rtt, jitter, jitter, buffer, audio_setup)
def test_more_jitter_never_raises_the_mos(lost, rtt_ms, one, other, buffer_ms, setup):
    less, more = sorted([one, other])
    calm = score_audio(lost, rtt_ms, less, buffer_ms, **setup)
    assert no_better(score_audio(lost, rtt_ms, more, buffer_ms, **setup), calm)


@given(loss, rtt, jitter, st.floats(0, 30_000), st.floats(0, 30_000), audio_setup)
def test_a_longer_jitter_buffer_never_raises_the_mos(lost, rtt_ms, jitter_ms, one, other, setup):
    less, more = sorted([one, other])
    short = score_audio(lost, rtt_ms, jitter_ms, less, **setup)
    assert no_better(score_audio(lost, rtt_ms, jitter_ms, more, **setup), short)


@given(loss, rtt, jitter, audio_setup)
def test_repair_never_lowers_the_mos(lost, rtt_ms, jitter_ms, setup):
    plain = score_audio(lost, rtt_ms, jitter_ms, **{**setup, "fec": False, "red": False})
    assert no_better(plain, score_audio(lost, rtt_ms, jitter_ms, **setup))


@given(anything, anything, anything, anything, codecs, anything, anything, models)
def test_an_audio_mos_is_none_or_from_1_to_4_5_whatever_the_input(
    lost, rtt_ms, jitter_ms, buffer_ms, codec, bitrate, burst, model
):
    found = score_audio(
        lost, rtt_ms, jitter_ms, buffer_ms, codec, bitrate, burst_ratio=burst, model=model
    )
    if found is None:
        assert lost is None or not 0 <= lost < float("inf")
        return
    assert 1 <= found.mos <= 4.5
    assert -1e4 < found.r <= 148
    assert found.ta_ms is None or 0 <= found.ta_ms < 1e5
    r_max = 148 if model == "fb" else 93.2
    assert found.r == pytest.approx(r_max - found.idd - found.ie_eff)


@given(*[anything] * 4, video_codecs, *[anything] * 3)
@example(1e308, 1e308, 1e308, 1e308, "av1", None, None, None)
def test_a_video_score_is_none_or_from_1_to_4_5_whatever_the_input(
    bitrate, width, height, fps, codec, exp_px, exp_fps, frozen
):
    found = score_video(bitrate, width, height, fps, codec, exp_px, exp_fps, frozen)
    assert found is None or 1 <= found <= 4.5


@given(*[anything] * 4, video_codecs, *[anything] * 4)
@example(1.0, 1.0, 1.0, 5e-324, "vp8", None, None, None, None)
def test_a_screen_score_is_none_or_from_1_to_4_5_whatever_the_input(
    bitrate, width, height, fps, codec, qp, exp_fps, frozen, silent_s
):
    found = score_screenshare(bitrate, width, height, fps, codec, qp, exp_fps, frozen, silent_s)
    assert found is None or 1 <= found <= 4.5


@given(st.floats(1, 1e8), st.floats(1, 1e8), st.floats(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_fewer_bits_or_more_freezing_never_raise_the_video_score(one, other, fps, calm, frozen):
    less, more = sorted([one, other])
    calm, frozen = sorted([calm, frozen])
    best = score_video(more, 640, 360, fps, exp_fps=30, frozen=calm)
    assert score_video(less, 640, 360, fps, exp_fps=30, frozen=calm) <= best + ROUNDING
    assert score_video(more, 640, 360, fps, exp_fps=30, frozen=frozen) <= best + ROUNDING


@given(*[anything] * 6, st.booleans())
def test_a_vendor_score_is_from_0_to_1_whatever_the_input(
    lost, packets, jitter_s, events, width, fps, screenshare
):
    for loss_percent in (
        producer_loss_percent(lost, packets),
        consumer_loss_percent(lost, packets),
    ):
        scores = [
            audio_producer_score(loss_percent, jitter_s),
            audio_consumer_score(loss_percent, jitter_s, events),
            video_score(loss_percent, jitter_s, width, fps, events, screenshare=screenshare),
        ]
        assert all(0 <= score <= 1 + 1e-12 for score in scores)


# --- aggregates ---------------------------------------------------------------------------------

kinds = st.sampled_from([PacketLoss, Delay, Spread])
measured = st.floats(0, 30_000)
readings = st.lists(st.none() | measured)


@given(kinds, st.lists(readings))
def test_pieces_in_any_grouping_merge_to_what_all_at_once_gives(kind, pieces):
    whole = kind.of(value for piece in pieces for value in piece)
    states = [kind.of(piece) for piece in pieces]
    from_left = reduce(lambda one, other: one.merged(other), states, kind())
    from_right = reduce(lambda one, other: other.merged(one), reversed(states), kind())
    assert from_left == from_right == whole
    assert from_left.render() == whole.render()


@given(kinds, readings, readings)
def test_merging_commutes_and_an_empty_one_changes_nothing(kind, one, other):
    a, b = kind.of(one), kind.of(other)
    assert a.merged(b) == b.merged(a)
    assert a.merged(kind()) == a


@given(kinds, readings, st.randoms())
def test_the_order_of_readings_changes_nothing(kind, values, random):
    shuffled = random.sample(values, len(values))
    assert kind.of(values) == kind.of(shuffled)


@given(kinds, st.lists(measured, min_size=1))
def test_the_average_is_the_mean_to_1e_9(kind, values):
    assert kind.of(values).avg == pytest.approx(fsum(values) / len(values), abs=1e-9, rel=1e-14)


@given(st.lists(st.integers(100, 450), min_size=1), st.integers(0, 100))
def test_percentiles_of_published_scores_are_numpys(hundredths, percent):
    values = [n / 100 for n in hundredths]
    expected = np.percentile(values, percent)
    assert Spread.of(values).percentile(percent) == pytest.approx(expected, abs=1e-9)


@given(st.lists(measured, min_size=1))
def test_percentiles_of_any_readings_are_numpys(values):
    p50, p75, p90 = np.percentile(values, [50, 75, 90])
    found = Spread.of(values).render()
    assert found["p50"] == pytest.approx(p50, abs=1e-9)
    assert found["p75"] == pytest.approx(p75, abs=1e-9)
    assert found["p90"] == pytest.approx(p90, abs=1e-9)


@given(st.lists(st.floats(0, 1000) | st.sampled_from([5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0])))
def test_event_fractions_are_those_of_counting(values):
    for kind, unit in ((PacketLoss, ""), (Delay, "ms")):
        found = kind.of(values).render()
        assert len(found) == (len(kind.THRESHOLDS) + 1 if values else 0)
        for threshold in kind.THRESHOLDS if values else ():
            share = sum(value >= threshold for value in values) / len(values)
            assert found[f"{threshold}{unit}_or_greater_event_fraction"] == share
