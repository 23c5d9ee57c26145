"""Extremes only spare work: rules that look at every reading find what they find by them."""

import random

import pytest
from msgspec.structs import replace
from test_findings_recordings import FOUND, facts_of

from made_calls import Stream, peer, seen
from roomtone.findings import peer as rules
from roomtone.findings.extremes import extremes_of, extremes_of_transport
from roomtone.findings.session import Thresholds, story_of

HEARD = (
    *({}, {}, {}, {"packets_lost": 60}, {"jitter": 0.05}, {"packets_received": 0}),
    *({"concealed_samples": 30_000}, {"jitter_buffer_delay": 2e5}, {"total_audio_energy": 0.0}),
    *({"inserted_samples_for_deceleration": 90_000}, {"codec_id": "other"}),
)
SHOWN = (
    *({}, {}, {}, {"packets_lost": 90}, {"frames_decoded": 50}, {"frames_decoded": 0}),
    *({"pli_count": 9}, {"total_freezes_duration": 5.0, "freeze_count": 2}, {"fir_count": 5}),
)
SAID = ({}, {}, {}, {"lost": 60}, {"packets_sent": 0}, {"energy": 0.0}, {"jitter": 0.05})
FILMED = (
    *({}, {}, {}, {"lost": 90}, {"cpu": 6.0}, {"bandwidth": 20.0}, {"frames_encoded": 60}),
    *({"total_encode_time": 9.0}, {"pli_count": 9}, {"packets_sent": 0, "frames_encoded": 0}),
    *({"power_efficient_encoder": True}, {"power_efficient_encoder": False}),
)
CONNECTED = (
    *({}, {}, {"rtt_s": 0.05}, {"rtt_s": 0.7}, {"available": 50_000.0}, {"pair": 1}),
    *({"local": "relay"}, {"sent": 1e6, "received": 1e4}, {"sent": 2e6, "received": 1e4}),
)


def worst_stream(stream):
    """Whatever could be wrong with it might be."""
    true = extremes_of(stream)
    flags = ("lost", "outage", "unsent", "recoded", "stuck", "sized", "cpu", "bandwidth")
    most = ("jitter_s", "audible", "buffer_ms", "stretched_percent", "frozen", "freezes_s")
    return replace(
        true,
        **dict.fromkeys((*flags, "both_encoders"), True),
        **dict.fromkeys((*most, "asked_rate", "encode_s"), float("inf")),
        **dict.fromkeys(("mos", "decoded_ratio", "rate_ratio"), -1.0),
        quietest=true.quietest if true.quietest == float("inf") else -1.0,
    )


def worst_transport(points):
    true = extremes_of_transport(points)
    return replace(
        true,
        gap_ms=float("inf"),
        shortest_gap_ms=0.0,
        stood=True,
        steady=not points,
        rtt_s=None if true.rtt_s is None else float("inf"),
        available_bitrate=0.0,
    )


def both(call, monkeypatch):
    """The story of a call by its extremes, and of looking at everything."""
    observed, thresholds = seen(call), Thresholds.of(None)
    by_extremes = story_of(observed, thresholds)
    monkeypatch.setattr(rules, "extremes_of", worst_stream)
    monkeypatch.setattr(rules, "extremes_of_transport", worst_transport)
    return _said(by_extremes), _said(story_of(observed, thresholds))


def _said(story):
    """What was found, when and whose it was. (The worst value is that of a rule's first column, and
    missing where only its second one found something.)"""
    return [
        (one.id, one.severity, one.peer_id, one.stream, one.side, one.start, one.end)
        for one in story.findings
    ]


@pytest.mark.parametrize("name", FOUND)
def test_nothing_is_missed_in_a_recording(name, monkeypatch):
    spared, whole = both(facts_of(name), monkeypatch)

    assert spared == whole


def made_call(seed):
    dice = random.Random(seed)

    def steps(of, count=24):
        # Trouble lasts: a step stays as it is for a while.
        row = []
        while len(row) < count:
            row += [dice.choice(of)] * dice.randint(1, 5)
        return row[:count]

    def streams(mine, others):
        for kind, ssrc, sent, got in (("audio", 0, SAID, HEARD), ("video", 1, FILMED, SHOWN)):
            yield Stream("out", kind, 10 * mine + ssrc, steps(sent))
            for other in others:
                yield Stream("in", kind, 10 * other + ssrc, steps(got), sender=f"p{other}")

    times = [1_700_000_000_000]
    for _ in range(24):
        times.append(times[-1] + dice.choice((7_000, 7_000, 7_000, 7_100, 30_000)))
    return {
        f"p{mine}": peer(
            f"p{mine}",
            list(streams(mine, [other for other in range(3) if other != mine])),
            connections=steps(CONNECTED, 25) if dice.random() < 0.8 else (),
            events=[(0, "audio_on", None)] if dice.random() < 0.5 else (),
            times=times,
        )
        for mine in range(3)
    }


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_missed_in_a_call_full_of_trouble(seed, monkeypatch):
    spared, whole = both(made_call(seed), monkeypatch)

    assert spared == whole
    assert len(spared) > 5
