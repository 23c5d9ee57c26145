"""Strips: a session's quality in bars of equal time."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roomtone.model.digests import STRIP_BINS
from roomtone.model.times import iso
from roomtone.services.strips import Strip

T0 = 1_795_397_118_000
BAR_MS = 1_000
END = T0 + STRIP_BINS * BAR_MS


def reading(end_ms: float, mos: float | None, length_ms: int | None = BAR_MS) -> Any:
    return SimpleNamespace(timestamp=iso(T0 + end_ms), mos_quality=mos, interval_ms=length_ms)


def report(heard: list[Any] = (), seen: list[Any] = (), scale: str = "mos", **more: Any) -> Any:  # type: ignore[assignment]
    arrays = {"audio_consumer": heard, "video_consumer": seen, "audio_producer": []}
    quality = SimpleNamespace(**arrays, video_producer=more.get("sent", []))
    return SimpleNamespace(quality_scale=scale, peer_report=SimpleNamespace(quality=quality))


def made(*reports: Any, end: int = END) -> tuple[int | None, ...]:
    strip = Strip(T0, end)
    for one in reports:
        strip.add(one)
    return strip.made()


def test_a_reading_fills_the_bars_that_it_covers_and_no_other() -> None:
    bars = made(report([reading(3_000, 4.2), reading(7_000, 2.0, 4_000)]))

    assert bars[:8] == (None, None, 420, 200, 200, 200, 200, None)
    assert set(bars[8:]) == {None}
    assert len(bars) == STRIP_BINS


def test_a_bar_is_the_mean_of_the_people_not_of_their_streams() -> None:
    many = report([reading(1_000, 4.0) for _ in range(9)])
    one = report([reading(1_000, 2.0)])

    assert made(many, one)[0] == 300


def test_what_was_seen_counts_where_nothing_was_heard() -> None:
    assert made(report([reading(1_000, None)], [reading(1_000, 3.5)]))[0] == 350
    assert made(report([reading(1_000, 4.0)], [reading(1_000, 1.0)]))[0] == 400


def test_of_the_vendors_scale_and_of_nothing_there_is_no_strip() -> None:
    assert made(report([reading(1_000, 0.9)], scale="vendor")) == ()
    assert made(report(), report([reading(1_000, None)])) == ()
    assert made() == ()


def found(start_ms: int, end_ms: int | None, severity: str, echo_of: str | None = None) -> Any:
    end = None if end_ms is None else iso(T0 + end_ms)
    return SimpleNamespace(start=iso(T0 + start_ms), end=end, severity=severity, echo_of=echo_of)


def test_the_gravest_finding_of_each_bar_is_told_and_echoes_are_not() -> None:
    strip = Strip(T0, END)
    told = strip.trouble(
        [
            found(1_000, 4_000, "warning"),
            found(2_500, 2_500, "error"),
            found(0, 9_000, "error", "uplink_loss@p1"),
            found(5_000, 6_000, "info"),
            found(22_000, None, "warning"),
        ]
    )

    assert told == (0, 2, 3, 2, 0, 1, *([0] * 16), 2, 2)
    assert strip.trouble([]) == (0,) * STRIP_BINS


times = st.integers(-10_000, 40_000)
readings = st.builds(
    reading, times, st.none() | st.floats(1, 4.5), st.none() | st.integers(0, 90_000)
)


@given(st.lists(st.lists(readings, max_size=5), max_size=4), st.integers(0, 30_000))
def test_whatever_the_times_every_bar_is_a_mos_or_nothing(people: Any, length: int) -> None:
    bars = made(*(report(heard) for heard in people), end=T0 + length)

    assert len(bars) in (0, STRIP_BINS)
    assert all(bar is None or 100 <= bar <= 450 for bar in bars)
