"""The laws of the fold, over random calls: resets, reused ssrcs, gaps, disorder, repetition.

Chunking (1), idempotence (2), order (3), no negatives (5), missing is not zero (6), bounds (8),
rebuild (9) and recomputability (11).
"""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recount import assert_follows, assert_old_block_follows
from roomtone.model.facts import Happened, Snapshot, Track
from roomtone.model.stats import (
    InboundRtp,
    OutboundRtp,
    QualityLimitationDurations,
    RemoteInboundRtp,
)
from roomtone.report import fold as folding
from roomtone.report import series, state
from roomtone.report.build import build
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.stay import Stay
from roomtone.report.traces import traces

T0 = 1_700_000_000_000
STAY = Stay(T0, T0 + 10**7, "disconnect", (T0,), ((T0 + 10**7, "disconnect"),), T0 + 10**7)
law = settings(max_examples=100, deadline=None)

COUNTERS = {
    ("in", "audio"): (
        *("packets_received", "bytes_received", "concealment_events", "total_samples_received"),
        *("concealed_samples", "silent_concealed_samples", "jitter_buffer_emitted_count"),
    ),
    ("in", "video"): (
        *("packets_received", "bytes_received", "frames_decoded", "key_frames_decoded"),
        *("frames_dropped", "pli_count", "nack_count", "jitter_buffer_emitted_count"),
        "retransmitted_bytes_received",
    ),
    ("out", "audio"): ("packets_sent", "bytes_sent", "nack_count"),
    ("out", "video"): (
        *("packets_sent", "bytes_sent", "frames_encoded", "key_frames_encoded"),
        *("pli_count", "fir_count", "nack_count", "retransmitted_bytes_sent"),
    ),
}
SECONDS = ("jitter_buffer_delay", "total_freezes_duration")
sizes = st.sampled_from([None, 160.0, 640.0, 1280.0])


@st.composite
def streams(draw, way=None, missing=True):
    """One stream's totals over some snapshots: grows, may start anew, may lack members."""
    way, kind = draw(st.sampled_from(sorted(COUNTERS))) if way is None else way
    names = COUNTERS[way, kind]
    absent = draw(st.sets(st.sampled_from(names))) if missing else set()
    steps = []
    totals = dict.fromkeys(names, 0)
    lost = draw(st.integers(0, 50))
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 9)) == 0:
            totals = dict.fromkeys(names, 0)
        totals = {n: t + draw(st.sampled_from((0, 1, 30, 349, 5_000))) for n, t in totals.items()}
        lost += draw(st.sampled_from((0, 0, 3, 40, -2)))
        steps.append({n: t for n, t in totals.items() if n not in absent} | {"packets_lost": lost})
    return way, kind, draw(st.integers(1, 3)), steps


def stat_of(draw, way, kind, ssrc, totals, t):
    members = dict(totals)
    lost = members.pop("packets_lost")
    common = {"id": f"{way}-{kind}-{ssrc}", "timestamp": float(t), "ssrc": ssrc, "kind": kind}
    if kind == "video":
        members |= {"frame_width": draw(sizes), "frame_height": draw(sizes)}
    if way == "in":
        members |= {"packets_lost": float(lost), "jitter": draw(st.sampled_from((None, 0.01, 0.2)))}
        if draw(st.booleans()):
            members |= dict.fromkeys(SECONDS, (t - T0) / 4e3)
        return [InboundRtp(**common, **members)]
    if kind == "video" and draw(st.booleans()):
        spent = QualityLimitationDurations(none=(t - T0) / 1e3, cpu=(t - T0) / 3e3)
        members |= {"quality_limitation_durations": spent, "quality_limitation_reason": "cpu"}
    sent = OutboundRtp(**common, **members, mid=draw(st.sampled_from((None, "0"))))
    told = RemoteInboundRtp(
        id=f"re-{ssrc}",
        timestamp=t - draw(st.sampled_from((0, 500, 9_000))),
        ssrc=ssrc,
        packets_lost=float(lost),
        round_trip_time=draw(st.sampled_from((None, 0.05, 0.6))),
    )
    return [sent, told]


@st.composite
def calls(draw):
    """Facts of one peer, in time."""
    facts = [Happened(T0, "audio_on")]
    for way, kind, ssrc, steps in draw(st.lists(streams(), min_size=1, max_size=4)):
        t = T0 + draw(st.integers(0, 5_000))
        label = Track(
            f"ssrc:{ssrc}",
            draw(st.sampled_from(("", "camera", "screenshare"))),
            draw(st.sampled_from(("", "p1", "p2"))),
            paused=draw(st.integers(0, 5)) == 0,
        )
        for totals in steps:
            t += draw(st.sampled_from((0, 900, 1_000, 6_600, 7_000, 30_000, 90_000)))
            stats = tuple(stat_of(draw, way, kind, ssrc, totals, t))
            tracks = (label,) if draw(st.booleans()) else ()
            transport = draw(st.sampled_from(("up", "down")))
            facts.append(Snapshot(t, transport, "both", stats, tracks))
    return sorted(facts, key=lambda fact: fact.t)


def told(folded, scale="mos"):
    """The report's bytes, heard by somebody who receives from this peer's own producers too."""
    sent = traces(folded)
    return msgspec.json.encode(build(folded, STAY, sent, clock_offset_ms=0, scale=scale))


def folded(facts):
    return fold(new_state(7_000), facts)


def readings(body):
    quality = json.loads(body)["peer_report"]["quality"]
    return [x for name, rows in quality.items() if isinstance(rows, list) for x in rows]


@law
@given(calls(), st.lists(st.integers(0, 60), max_size=6))
def test_1_folding_in_pieces_equals_folding_at_once(facts, cuts):
    piecewise = new_state(7_000)
    edges = [0, *sorted(cut for cut in cuts if cut < len(facts)), len(facts)]
    for start, end in pairwise(edges):
        piecewise = fold(piecewise, facts[start:end])
        told(piecewise)  # a live report in between changes nothing
    assert told(piecewise) == told(folded(facts))


@law
@given(calls(), st.data())
def test_2_and_3_any_order_of_chunks_and_any_repetition_give_the_same_report(facts, data):
    def arranged(pieces):
        pieces = sorted((piece for piece in pieces if piece), key=lambda p: min(f.t for f in p))
        chunks = [(min(f.t for f in piece), lambda piece=piece: piece) for piece in pieces]
        return told(folded(in_order(chunks)))

    shuffled = data.draw(st.permutations([*facts, *facts[:5]]))
    at = data.draw(st.integers(0, len(shuffled)))
    assert arranged([shuffled[:at], shuffled[at:]]) == arranged([facts])


@law
@given(calls(), st.sampled_from(("mos", "vendor")))
def test_5_nothing_is_ever_negative_or_not_a_number(facts, scale):
    def numbers(value):
        if isinstance(value, dict):
            return [n for inner in value.values() for n in numbers(inner)]
        return [value] if isinstance(value, int | float) else []

    for reading in readings(told(folded(facts), scale)):
        assert all(number >= 0 for number in numbers(reading)), reading
        assert reading["interval_ms"] is None or reading["interval_ms"] > 0
        if reading["mos_quality"] is not None:
            low, high = (1, 4.5) if scale == "mos" else (0, 1)
            assert low <= reading["mos_quality"] <= high


@law
@given(st.sampled_from(sorted(COUNTERS)).flatmap(lambda way: streams(way, missing=False)))
def test_5_the_readings_of_a_stream_add_up_to_what_a_naive_model_counts(stream):
    way, kind, ssrc, steps = stream
    counters = COUNTERS[way, kind]
    resets = {"packets_received", "bytes_received", "frames_decoded", "total_samples_received"}
    resets |= {"packets_sent", "bytes_sent", "frames_encoded"}
    expected = dict.fromkeys(counters, 0)
    before = dict.fromkeys(counters, 0)
    facts = []
    for i, totals in enumerate(steps):
        anew = any(totals[name] < before[name] for name in resets & set(counters))
        for name in counters:
            expected[name] += 0 if anew else max(0, totals[name] - before[name])
        before = totals
        kind_of = InboundRtp if way == "in" else OutboundRtp
        members = {name: float(totals[name]) for name in counters}
        stat = kind_of(id="s", timestamp=T0 + 7_000 * i, ssrc=ssrc, kind=kind, **members)
        facts.append(Snapshot(T0 + 7_000 * i, "t", "both", (stat,)))
    made = readings(told(folded(facts)))
    for name in counters:
        if made and name in made[0]:
            assert sum(x[name] or 0 for x in made) == expected[name], name


@law
@given(st.sampled_from(sorted(COUNTERS)).flatmap(streams))
def test_6_a_member_that_was_never_given_is_null_and_one_that_was_is_not(stream):
    way, kind, ssrc, steps = stream
    facts = []
    for i, totals in enumerate(steps):
        members = {n: float(v) for n, v in totals.items() if n != "packets_lost"}
        kind_of = InboundRtp if way == "in" else OutboundRtp
        stat = kind_of(id="s", timestamp=T0 + 7_000 * i, ssrc=ssrc, kind=kind, **members)
        facts.append(Snapshot(T0 + 7_000 * i, "t", "both", (stat,)))
    (first, *_) = readings(told(folded(facts)))
    for name in COUNTERS[way, kind]:
        if name in first:
            assert (first[name] is not None) == (name in steps[0])


LIMITS = {
    "MAX_READINGS_PER_PEER": (series, 5),
    "MAX_READINGS_PER_STREAM": (series, 2),
    "MAX_STREAMS_PER_PEER": (folding, 2),
    "MAX_TRANSPORTS_PER_PEER": (folding, 1),
    "MAX_EVENTS_PER_PEER": (state, 3),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_8_past_a_limit_nothing_more_is_kept_and_what_was_cut_is_counted(limit, monkeypatch):
    def heard(i, ssrc, transport):
        stat = InboundRtp(id=f"s{ssrc}", timestamp=T0 + 7_000 * i, ssrc=ssrc, kind="audio")
        return Snapshot(T0 + 7_000 * i, transport, "both", (stat,))

    facts = [heard(i, ssrc, f"t{ssrc % 2}") for i in range(6) for ssrc in range(4)]
    facts += [Happened(T0 + i, f"e{i}") for i in range(8)]
    whole = json.loads(told(folded(facts)))
    assert set(whole["truncated"].values()) == {0}
    module, most = LIMITS[limit]
    monkeypatch.setattr(module, limit, most)
    cut = json.loads(told(folded(facts)))
    kept, all_readings = len(readings(msgspec.json.encode(cut))), 24
    truncated = cut["truncated"]
    if limit.startswith("MAX_READINGS"):
        assert kept + truncated["readings"] == all_readings
        assert kept == (5 if limit.endswith("PEER") else 8)
    elif limit == "MAX_STREAMS_PER_PEER":
        assert (kept, truncated["streams"]) == (12, 12)
    elif limit == "MAX_TRANSPORTS_PER_PEER":
        assert (kept, truncated["transports"]) == (12, 12)
    else:
        assert (len(cut["peer_stats"]["events"]), truncated["events"]) == (3, 5)


@law
@given(calls())
def test_9_the_same_facts_give_the_same_bytes(facts):
    again = msgspec.msgpack.decode(
        msgspec.msgpack.encode(facts), type=list[Happened | Snapshot], strict=True
    )
    assert told(folded(facts)) == told(folded(again))


@law
@given(calls(), st.sampled_from(("mos", "vendor")))
def test_11_every_cumulative_number_follows_from_the_readings_of_the_same_answer(facts, scale):
    made = json.loads(told(folded(facts), scale))
    assert_follows(made["peer_report"]["quality"])
    assert_old_block_follows(made["quality_stats"])
