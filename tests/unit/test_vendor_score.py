"""The vendor's client score, by points worked out by hand from its formula (contract 6.4)."""

from math import nan

import pytest

from roomtone.quality.vendor import (
    audio_consumer_score,
    audio_producer_score,
    consumer_loss_percent,
    part,
    producer_loss_percent,
    video_score,
)


def test_a_part_is_whole_up_to_low_gone_from_high_on_and_straight_between():
    assert [part(x, 2, 10, 20) for x in (-5, 0, 10, 15, 20, 99)] == [2, 2, 2, 1, 0, 0]
    assert part(-15, 2, 10, 20) == 1
    assert part(None, 2, 10, 20) == 2
    assert part(nan, 2, 10, 20) == 2


# The one example of a report in the vendor's documents: 0 lost, jitter under 20 ms, mos_quality 1.
def test_the_published_example_scores_1():
    assert audio_producer_score(producer_loss_percent(0, 350), 0.001) == 1


@pytest.mark.parametrize(
    ("loss", "jitter", "score"),
    [(0, 0.025, 0.85), (5, 0, 0.65), (10, 0.03, 0), (2.5, 0.022, 0.525 + 0.24), (None, None, 1)],
)
def test_an_audio_producer_loses_by_loss_and_jitter(loss, jitter, score):
    assert audio_producer_score(loss, jitter) == pytest.approx(score)


@pytest.mark.parametrize(
    ("loss", "jitter", "events", "score"),
    [(0, 0, 0, 1), (0, 0, 1, 0.8 + 0.2 * 2 / 3), (4, 0.028, 3, 0.3 + 0.06), (50, 1, 9, 0)],
)
def test_an_audio_consumer_loses_by_concealment_events_too(loss, jitter, events, score):
    assert audio_consumer_score(loss, jitter, events) == pytest.approx(score)


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ((0, 0, 640, 30, 210), 1.0),
        ((0, 0, 239, 30, 210), 0.88),  # low-res: 0.8 * 0.85 + 0.2
        ((0, 0, 240, 8, 56), 1.0),
        ((0, 0, 640, 7.9, 55), 0.76),  # lagging: 0.8 * 0.7 + 0.2
        ((0, 0, 640, 0, 0), 0.48),  # lagging and stuck: 0.8 * 0.7 * 0.5 + 0.2
        ((0, 0, 160, 0, 0), 0.44),  # all three: 0.238 + 0.2 = 0.438
        ((5, 0.025, 640, 30, 210), 0.85),  # 0.8 + 0.2 * 0.5 * 0.5
        ((10, 0, 640, 30, 210), 0.8),
        ((None, None, None, None, None), 1.0),
    ],
)
def test_a_camera_loses_by_width_rate_standing_still_and_the_network(given, score):
    assert video_score(*given) == score


@pytest.mark.parametrize(
    ("width", "fps", "score"), [(720, 3, 1.0), (719, 3, 0.88), (720, 2.9, 0.76), (719, 1, 0.68)]
)
def test_a_shared_screen_must_be_wider_but_may_be_slower(width, fps, score):
    assert video_score(0, 0, width, fps, 10, screenshare=True) == score


def test_two_decimals_are_rounded_half_up_as_javascript_does():
    # 0.8 + 0.2 * 0.625 = 0.925, which binary floats hold exactly enough to be a half.
    assert video_score(3.75, 0, 640, 30, 210) == 0.93


def test_loss_is_a_share_of_what_was_sent_or_of_what_was_expected():
    assert producer_loss_percent(5, 200) == 2.5
    assert producer_loss_percent(-5, 200) == 0
    assert producer_loss_percent(0, 0) is None
    assert producer_loss_percent(None, 200) is None
    assert consumer_loss_percent(5, 195) == 2.5
    assert consumer_loss_percent(-5, 200) == 0
    assert consumer_loss_percent(0, 0) is None
    assert consumer_loss_percent(3, None) is None
