"""Cumulative objects have the published keys, and the published example's numbers."""

from math import inf, nan

import msgspec
import pytest

from roomtone.quality.aggregates import Delay, PacketLoss, Spread

# The ten readings of the one example of a report in the vendor's documents (dyte-io/docs,
# static/api/v2.yaml, Apache-2.0), in seconds.
EXAMPLE_RTT_S = (
    *(0, 0.782913, 0.014374, 0.4953, 0.009659),
    *(0.008514, 0.013321, 0.009888, 0.011932, 0.011108),
)


def test_the_vendors_example_comes_out():
    assert Delay.of(rtt * 1000 for rtt in EXAMPLE_RTT_S).render() == {
        "avg": pytest.approx(135.7009, abs=1e-9),
        "100ms_or_greater_event_fraction": 0.2,
        "250ms_or_greater_event_fraction": 0.2,
        "500ms_or_greater_event_fraction": 0.1,
    }


def test_packet_loss_has_its_four_thresholds_each_inclusive():
    assert PacketLoss.of([0, 4.999, 5, 10, 25, 50, 100, 0]).render() == {
        "avg": pytest.approx(194.999 / 8),
        "5_or_greater_event_fraction": 5 / 8,
        "10_or_greater_event_fraction": 4 / 8,
        "25_or_greater_event_fraction": 3 / 8,
        "50_or_greater_event_fraction": 2 / 8,
    }


def test_a_threshold_is_compared_with_the_value_not_with_its_rounding():
    just_under = 99.9999999999
    assert Delay.of([just_under]).render()["100ms_or_greater_event_fraction"] == 0


def test_a_spread_has_mean_and_percentiles_from_low_to_high():
    assert Spread.of([4, 1, 3, 2]).render() == {"avg": 2.5, "p50": 2.5, "p75": 3.25, "p90": 3.7}
    assert Spread.of([4.31]).render() == {"avg": 4.31, "p50": 4.31, "p75": 4.31, "p90": 4.31}


def test_the_bad_end_of_a_spread_can_be_asked_for():
    spread = Spread.of([1, 2, 3, 4])
    assert spread.percentile(0) == 1
    assert spread.percentile(10) == 1.3
    assert spread.percentile(100) == 4


@pytest.mark.parametrize("kind", [PacketLoss, Delay, Spread])
def test_nothing_measured_is_an_empty_object(kind):
    assert kind().render() == {}
    assert kind.of([None, nan, inf, -inf]).render() == {}
    assert kind().avg is None
    assert Spread().percentile(50) is None


def test_what_was_not_measured_is_skipped_and_zero_is_not():
    assert Delay.of([0, None, 200]).render()["avg"] == 100


@pytest.mark.parametrize("kind", [PacketLoss, Delay, Spread])
def test_the_state_survives_being_stored(kind):
    state = kind.of([1.5, 4.31, 60, 300])
    assert msgspec.json.decode(msgspec.json.encode(state), type=kind) == state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=kind) == state


def test_merging_leaves_both_as_they_were():
    one, other = Spread.of([1, 2]), Spread.of([2, 3])
    both = one.merged(other)
    both.add(9)
    assert one == Spread.of([1, 2])
    assert other == Spread.of([2, 3])


def test_a_mos_has_at_most_as_many_counts_as_it_has_values():
    spread = Spread.of(1 + round(i % 351 / 100, 2) for i in range(20_000))
    assert spread.n == 20_000
    assert len(spread.counts) == 351
