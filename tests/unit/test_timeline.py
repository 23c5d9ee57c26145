"""The timeline's bins, spells and marks, held against a naive second model and recorded calls."""

import math
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorded_calls import call_facts, reports
from roomtone.model.times import iso
from roomtone.report.happenings import Chosen, Noted, SeenDevice, marks, spells
from roomtone.report.received import heard_report, received_series
from roomtone.report.timeline import (
    CONSUMERS,
    Axis,
    Drawn,
    _Binned,
    axis_of,
    drawn_report,
    peer_timeline,
)
from roomtone.services.shelves import answer

START = 1_767_225_600_000


def _reading(end_s: float, length_s: float, mos: float | None, **more) -> Drawn:
    return Drawn(
        timestamp=datetime.fromtimestamp((START + end_s * 1000) / 1000, UTC),
        mos_quality=mos,
        packets_lost=more.pop("lost", None),
        interval_ms=round(length_s * 1000),
        paused=False,
        **more,
    )


def _naive(readings: list[tuple[float, float, float]], bins: int) -> list[list[float]]:
    """What each bin of one second holds: the slow way, bin by bin."""
    held: list[list[float]] = [[] for _ in range(bins)]
    for end, length, mos in readings:
        # What was before the axis began is looked at too, and then left out.
        inside = [n for n in range(-bins, bins) if end - length <= n + 0.5 <= end]
        for n in inside or [max(0, math.ceil(end) - 1)]:
            if 0 <= n < bins:
                held[n].append(mos)
    return held


@given(
    st.lists(
        st.tuples(
            st.integers(1, 79).map(lambda n: n / 4 + 0.1),
            st.integers(0, 40).map(lambda n: n / 4),
            st.floats(1, 4.5).map(lambda mos: round(mos, 2)),
        ),
        max_size=12,
    )
)
def test_bins_hold_what_their_middle_lies_in(readings):
    axis = Axis(START, START + 20_000, 1_000, 20)
    binned = _Binned([_reading(*one) for one in readings], axis)
    lane = binned.lane(slice(0, 20))

    for held, mean, least in zip(_naive(readings, 20), lane.mos, lane.mos_min, strict=True):
        if held:
            assert mean == pytest.approx(sum(held) / len(held), abs=0.006)
            assert least == pytest.approx(min(held), abs=0.006)
        else:
            assert mean is least is None


def test_loss_is_of_all_packets_together_and_an_outage_is_all_of_it():
    axis = Axis(START, START + 10_000, 5_000, 2)
    binned = _Binned(
        [
            _reading(5, 5, 4.0, lost=10, packets_received=90),
            _reading(5, 5, 4.0, lost=0, packets_received=300),
            _reading(10, 5, 1.0, lost=0, packets_received=0, outage=True),
        ],
        axis,
    )

    assert binned.lane(slice(0, 2)).loss == (2.5, 100.0)


@pytest.mark.parametrize(
    ("length_s", "bin_s"),
    [(1, 1), (75, 1), (601, 2), (3_600, 6), (36_000, 60), (10_000_000, 18_000)],
)
def test_an_axis_has_at_most_as_many_bins_as_asked_for(length_s, bin_s):
    axis = axis_of(START, START + length_s * 1000, 600)

    assert axis.bin_ms == bin_s * 1000
    assert axis.bins <= 600
    assert axis.bins * axis.bin_ms >= length_s * 1000


def _noted(at_s: int, name: str, **metadata) -> Noted:
    return Noted(name=name, timestamp=iso(START + at_s * 1000), metadata=metadata)


def _spells(*events: Noted) -> list[tuple[str, int, int | None]]:
    def second(text: str | None) -> int | None:
        return None if text is None else int(text[17:19])

    return [(one.kind, second(one.start), second(one.end)) for one in spells(events)]


def test_what_is_switched_on_lasts_until_it_is_switched_off():
    told = _spells(
        _noted(1, "audio_on"),
        _noted(3, "audio_off"),
        _noted(4, "audio_off"),
        _noted(9, "audio_on"),
        _noted(11, "screenshare_started"),
        _noted(12, "track_disabled", kind="video", source="camera"),
    )

    assert told == [("muted", 3, 9), ("screenshare", 11, None), ("camera_off", 12, None)]


def test_each_connection_is_cut_off_and_back_on_its_own():
    told = _spells(
        _noted(1, "connection_state", pc="one", state="disconnected"),
        _noted(2, "connection_state", pc="two", state="connected"),
        _noted(5, "connection_state", pc="one", state="connected"),
        _noted(7, "network_change", online=False),
        _noted(9, "network_change", online=True),
    )

    assert told == [("reconnecting", 1, 5), ("offline", 7, 9)]


def test_marks_tell_of_faults_and_of_devices_that_changed():
    def chosen(at_s: int, label: str) -> Chosen:
        return Chosen(SeenDevice("audioinput", label), iso(START + at_s * 1000))

    found, cut = marks(
        [
            _noted(5, "media_permission", permission="DENIED", device_type="VIDEO"),
            _noted(6, "media_permission", permission="ACCEPTED", device_type="AUDIO"),
            _noted(7, "network_change", type="cellular", effective_type="3g"),
        ],
        [chosen(1, "Built-in"), chosen(3, "Headset")],
    )

    assert [(one.kind, one.text) for one in found] == [
        ("device", "Microphone changed to Headset"),
        ("error", "Permission for video: denied"),
        ("network", "Network changed to cellular, 3g"),
    ]
    assert cut == 0


def test_a_recorded_call_is_drawn_with_the_means_that_its_report_has():
    for report in reports(call_facts("lossy")).values():
        body = msgspec.json.encode(answer(report))
        drawn = drawn_report(body)
        axis = axis_of(0, 1, 1)
        line = peer_timeline(drawn, axis, (), 0, 0)
        scores = [
            reading.mos_quality
            for name in CONSUMERS
            for reading in getattr(report.peer_report.quality, name)
            if reading.mos_quality is not None
        ]
        assert line.received_mos == pytest.approx(sum(scores) / len(scores), abs=0.005)
        heard = heard_report(body)
        for sender in {r.peer_id for r in report.peer_report.quality.audio_consumer}:
            for series in received_series(heard, sender, 0):
                readings = getattr(report.peer_report.quality, series.source)
                assert list(series.mos) == [r.mos_quality for r in readings]
