"""Gains are written out member by member: held here against the loop that they stand for.

Those of sent streams are functions; those of received ones are part of making their intervals.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.model.stats import InboundRtp, OutboundRtp
from roomtone.report import gains
from roomtone.report.inbound import InboundSeries
from roomtone.report.intervals import RECEIVED_AUDIO, RECEIVED_VIDEO, SENT_AUDIO, SENT_VIDEO
from roomtone.report.path import Path
from roomtone.report.series import Budget
from roomtone.report.talk import Talk


def received(kind, names):
    """The gains of an interval of a received stream, as a function of its report and totals."""

    def of_kind(now, last):
        stat = InboundRtp(id="s", timestamp=0.0, kind=kind)
        series = InboundSeries(Budget(5_000), Path("pc"), Talk(), stat)
        series.stat, series.last = now, last
        at_end = series.make(at_end=True)
        assert series.last is last  # a look at what is left over changes nothing
        interval = series.make(at_end=False)
        assert interval == at_end
        return series.last, tuple(getattr(interval, name) for name in names)

    return of_kind


KINDS = {
    "received audio": (received("audio", RECEIVED_AUDIO), InboundRtp, RECEIVED_AUDIO),
    "received video": (received("video", RECEIVED_VIDEO), InboundRtp, RECEIVED_VIDEO),
    "sent audio": (gains.sent_audio, OutboundRtp, SENT_AUDIO),
    "sent video": (gains.sent_video, OutboundRtp, SENT_VIDEO),
}
totals = st.one_of(st.none(), st.floats(0, 2.0**64))


def looped(now, last, names):
    """The rule, over the names: (totals, gains)."""
    after, gained = list(last), []
    for i, name in enumerate(names):
        total = getattr(now, name)
        gain = None if total is None else total - last[i]
        gained.append(gain if gain is not None and gain >= 0 else None)
        after[i] = last[i] if total is None else total
    return tuple(after), tuple(gained)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_is_written_out_is_what_the_loop_does(kind, data):
    of_kind, stat, names = KINDS[kind]
    last = (0.0,) * len(names)

    for _ in range(4):
        now = stat(id="s", timestamp=1.0, **{name: data.draw(totals) for name in names})
        told = of_kind(now, last)

        assert told == looped(now, last, names)
        last = told[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_was_missing_loses_nothing(kind):
    of_kind, stat, names = KINDS[kind]

    def at(total):
        return stat(id="s", timestamp=1.0, **dict.fromkeys(names, total))

    last, first = of_kind(at(5.0), (0.0,) * len(names))
    last, missing = of_kind(at(None), last)
    last, back = of_kind(at(12.0), last)
    _, fallen = of_kind(at(3.0), last)

    assert [set(gained) for gained in (first, missing, back, fallen)] == [
        {5.0},
        {None},
        {7.0},
        {None},
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_epoch_begins_at_its_report(kind):
    of_kind, stat, names = KINDS[kind]
    half = dict.fromkeys(names[::2], 3.0)

    last = gains.restarted(stat(id="s", timestamp=1.0, **half), names)
    _, gained = of_kind(stat(id="s", timestamp=2.0, **dict.fromkeys(names, 4.0)), last)

    assert gained == tuple(1.0 if name in half else 4.0 for name in names)
