"""The video score agrees with the reference points, and a screen that rests is not a bad screen."""

from math import inf, nan

import pytest

from roomtone.quality.video import (
    MODEL,
    coding_of_qp,
    expected_fps,
    expected_px,
    score_screenshare,
    score_video,
)

# bit/s, width, height, fps, codec, options, score. Worked out apart from the package.
REFERENCE = """
    2500000 1280  720 30 vp8  .             4.2083
    1700000 1280  720 30 vp8  .             3.9923
    1700000 1280  720 30 vp9  .             4.0833
     600000 1280  720 30 vp8  .             3.4091
     450000  640  360 20 vp8  .             4.0573
     450000  640  360 20 av1  .             4.2570
     150000  640  360 30 vp8  .             3.2150
     160000  320  180 20 vp8  .             4.0604
    3000000 1920 1080 30 h264 .             3.9698
    1700000 1280  720 15 vp8  exp_fps=30    3.0635
    1700000 1280  720  5 vp8  exp_fps=30    1.5913
     200000  320  180 30 vp8  exp_px=921600 2.7938
    1700000 1280  720 30 vp8  frozen=0.1    3.4499
    1700000 1280  720 30 vp8  frozen=0.5    2.1008
    1700000 1280  720  0 vp8  .             1.0000
"""
ROWS = [line.split() for line in REFERENCE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:6]) for row in ROWS])
def test_every_reference_point_comes_out(row):
    *numbers, codec, option, expected = row
    given = {} if option == "." else dict([option.split("=")])
    given = {name: float(value) for name, value in given.items()}
    found = score_video(*map(float, numbers), codec, **given)
    assert found == pytest.approx(float(expected), abs=1e-3)


def test_mime_types_name_codecs_too_and_an_unknown_one_is_as_thrifty_as_vp8():
    assert score_video(450_000, 640, 360, 20, "video/AV1") == pytest.approx(4.2570, abs=1e-3)
    assert score_video(450_000, 640, 360, 20, "video/H265") == pytest.approx(4.2570, abs=1e-3)
    assert score_video(450_000, 640, 360, 20, "video/theora") == pytest.approx(4.0573, abs=1e-3)


def test_a_standing_picture_or_no_bits_scores_1():
    assert score_video(500_000, 640, 360, 0.9) == 1.0
    assert score_video(0, 640, 360, 30) == 1.0
    assert score_video(None, None, None, 0) == 1.0


@pytest.mark.parametrize("absurd", [None, nan, inf, -inf, -1.0])
def test_what_is_not_known_or_cannot_be_is_not_scored(absurd):
    assert score_video(500_000, 640, 360, absurd) is None
    assert score_video(absurd, 640, 360, 30) is None
    assert score_screenshare(500_000, 640, 360, absurd) is None


@pytest.mark.parametrize("absurd", [None, nan, inf, -inf, -1.0])
def test_expectations_that_cannot_be_expect_nothing(absurd):
    plain = score_video(500_000, 640, 360, 20)
    assert score_video(500_000, 640, 360, 20, "vp8", absurd, absurd, absurd) == plain


def test_without_a_frame_size_the_expected_size_counts_else_640x360():
    by_size = score_video(500_000, 1280, 720, 20)
    assert score_video(500_000, None, None, 20, exp_px=1280 * 720) == by_size
    assert score_video(500_000, None, None, 20) == score_video(500_000, 640, 360, 20)


def test_the_expected_size_is_the_displays_else_the_sources_else_640x360():
    assert expected_px(320 * 180, 1280 * 720) == 320 * 180
    assert expected_px(None, 960 * 540) == 960 * 540
    assert expected_px(None, 3840 * 2160) == 1280 * 720
    assert expected_px(0, nan) == 640 * 360
    assert expected_px() == 640 * 360


def test_the_expected_rate_is_the_cameras_up_to_30_else_30():
    assert expected_fps(15) == 15
    assert expected_fps(60) == 30
    assert expected_fps(nan) == 30
    assert expected_fps() == 30
    assert score_video(2e6, 1280, 720, 30, exp_fps=60) == score_video(2e6, 1280, 720, 30)


# Published thresholds of libwebrtc's quality scaler, and each codec's largest QP.
@pytest.mark.parametrize(
    ("codec", "low", "high", "top"),
    [("vp8", 29, 95, 127), ("h264", 24, 37, 51), ("vp9", 149, 205, 255), ("av1", 145, 205, 255)],
)
def test_the_coding_term_of_a_screen_follows_its_qp(codec, low, high, top):
    assert coding_of_qp(codec, 0) == 4.3
    assert coding_of_qp(codec, low) == 4.3
    assert coding_of_qp(codec, (low + high) / 2) == pytest.approx((4.3 + 2.5) / 2)
    assert coding_of_qp(codec, high) == pytest.approx(2.5)
    assert coding_of_qp(codec, (high + top) / 2) == pytest.approx(2.0)
    assert coding_of_qp(codec, top) == pytest.approx(1.5)
    assert coding_of_qp("video/" + codec.upper(), low) == 4.3


@pytest.mark.parametrize("qp", [None, nan, inf, -1])
def test_without_a_qp_the_coding_term_of_a_screen_is_4_2(qp):
    assert coding_of_qp("vp8", qp) == 4.2
    assert coding_of_qp("theora", 30) == 4.2


def test_a_still_page_at_one_frame_a_second_looks_as_it_should():
    assert score_screenshare(8_000, 1920, 1080, 1) == pytest.approx(4.2)
    assert score_screenshare(8_000, 1920, 1080, 1, "vp9", qp=100) == pytest.approx(4.3)


def test_turning_a_page_once_in_an_interval_is_not_motion():
    # 100 kB in 7 s.
    assert score_screenshare(100e3 * 8 / 7, 1920, 1080, 1.3) == pytest.approx(4.2)


def test_a_moving_screen_at_one_frame_a_second_is_bad():
    assert score_screenshare(1_500_000, 1920, 1080, 1) < 1.5
    assert score_screenshare(1_500_000, 1920, 1080, 5) == pytest.approx(4.2)


def test_a_starved_screen_is_not_taken_for_a_still_one():
    assert score_screenshare(60_000, 1920, 1080, 1, "vp8", qp=110) == 1.0
    assert score_screenshare(60_000, 1920, 1080, 1, "vp8", qp=40) == pytest.approx(4.0)


def test_a_source_that_is_slower_than_5_frames_lowers_what_is_expected():
    assert score_screenshare(1_500_000, 1920, 1080, 2, exp_fps=2) == pytest.approx(4.2)
    asked = score_screenshare(1_500_000, 1920, 1080, 2, exp_fps=30)
    assert asked == score_screenshare(1_500_000, 1920, 1080, 2)


def test_a_screen_without_frames_fails_only_after_10_seconds():
    assert score_screenshare(0, 1920, 1080, 0) is None
    assert score_screenshare(0, 1920, 1080, 0, silent_s=9.9) is None
    assert score_screenshare(0, 1920, 1080, 0, silent_s=10) == 1.0


def test_a_frozen_screen_loses_as_a_frozen_camera_does():
    clear = score_screenshare(500_000, 1280, 720, 15)
    frozen = score_screenshare(500_000, 1280, 720, 15, frozen=0.5)
    assert frozen == pytest.approx(1 + (clear - 1) * 0.36788, abs=1e-4)


def test_the_model_has_a_name_to_store_beside_the_score():
    assert MODEL == "rtcscore-px75-1"
