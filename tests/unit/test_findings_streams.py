"""Every detector of streams: raised by its trouble, silent without it, without the number that it
needs, and while the stream is paused; over when the trouble is over."""

import pytest
from msgspec import Struct

from made_calls import FILMED, HEARD, SAID, SHOWN, STEP_MS, T0, Stream, peer, told_of
from roomtone.model.times import iso


class Case(Struct):
    """``bad`` overrides a good step; ``needs`` is the member without which nothing is known."""

    id: str
    way: str
    kind: str
    bad: dict
    needs: str
    severity: str = "warning"
    direct: bool = False


LOSS = {"packets_lost": 30, "packets_received": 320}
CASES = (
    Case("uplink_loss", "out", "audio", {"lost": 24}, "lost"),
    Case("uplink_loss", "out", "video", {"lost": 100}, "lost", "error"),
    Case("downlink_loss", "in", "audio", LOSS, "packets_lost"),
    Case("high_jitter", "in", "audio", {"jitter": 0.045}, "jitter"),
    Case("high_jitter", "out", "audio", {"jitter": 0.045}, "jitter"),
    Case("audible_concealment", "in", "audio", {"concealed_samples": 17_000}, "concealed_samples"),
    Case("jitter_buffer_high", "in", "audio", {"jitter_buffer_delay": 9e4}, "jitter_buffer_delay"),
    Case(
        "jitter_buffer_high",
        "in",
        "audio",
        {"jitter_buffer_delay": 2e5},
        "jitter_buffer_emitted_count",
        "error",
    ),
    Case(
        "time_stretch",
        "in",
        "audio",
        {"inserted_samples_for_deceleration": 40_000},
        "removed_samples_for_acceleration",
    ),
    Case(
        "low_mos",
        "in",
        "audio",
        {"concealed_samples": 50_000},
        "packets_received",
        "error",
    ),
    Case(
        "video_frozen",
        "in",
        "video",
        {"total_freezes_duration": 3.5, "freeze_count": 1},
        "total_freezes_duration",
        "error",
    ),
    Case(
        "video_frozen",
        "in",
        "video",
        {"frames_decoded": 0, "pli_count": 3},
        "bytes_received",
        "error",
    ),
    Case("low_fps", "out", "video", {"frames_encoded": 70}, "fps"),
    Case("cpu_limited_encode", "out", "video", {"cpu": 4.0, "none": 3.0}, "cpu"),
    Case("cpu_limited_encode", "out", "video", {"total_encode_time": 6.5}, "total_encode_time"),
    Case("cpu_limited_decode", "in", "video", {"frames_decoded": 100}, "frames_received"),
    Case("keyframe_storm", "in", "video", {"pli_count": 7}, "pli_count"),
    Case("keyframe_storm", "out", "video", {"pli_count": 7}, "pli_count"),
    Case("outbound_dry", "out", "audio", {"packets_sent": 0, "bytes_sent": 0}, "duration", "error"),
    Case(
        "outbound_dry",
        "out",
        "video",
        {"packets_sent": 0, "bytes_sent": 0, "frames_encoded": 0},
        "fps",
        "error",
    ),
)
GOOD = {("in", "audio"): HEARD, ("in", "video"): SHOWN, ("out", "audio"): SAID}
GOOD["out", "video"] = FILMED
NAMES = [f"{case.id}-{case.way}-{case.kind}-{i}" for i, case in enumerate(CASES)]


def story(case, steps, *, paused=False, events=()):
    sender = "bob" if case.way == "in" else ""
    stream = Stream(case.way, case.kind, 7, steps, sender=sender, paused=paused)
    return told_of(peer("ann", [stream], events=events), peer("bob", [], seconds=100))


def found(case, told):
    return [finding for finding in told.findings if finding.id == case.id]


def spell(case, good=3, bad=6, after=6):
    return [{}] * good + [case.bad] * bad + [{}] * after


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_is_raised_while_it_is_bad_and_not_before_or_after(case):
    (one,) = found(case, story(case, spell(case)))
    assert one.severity == case.severity
    assert iso(T0 + 1 * STEP_MS) <= one.start <= iso(T0 + 5 * STEP_MS)
    assert one.end is not None
    assert iso(T0 + 8 * STEP_MS) <= one.end <= iso(T0 + 13 * STEP_MS)
    assert one.evidence
    assert one.peer_id == "ann"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_is_silent_while_all_is_well(case):
    told = story(case, [{}] * 14)
    assert not told.findings
    assert told.verdict.outcome == "good"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_is_silent_where_its_number_is_missing(case):
    gone = {case.needs: None}
    steps = [{**step, **gone} for step in spell(case)]
    assert not found(case, story(case, steps))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_is_silent_while_the_stream_is_paused(case):
    assert not found(case, story(case, spell(case), paused=True))


@pytest.mark.parametrize("case", [c for c in CASES if c.way == "out"])
def test_what_is_sent_is_silent_while_it_is_muted(case):
    off = "audio_off" if case.kind == "audio" else "video_off"
    assert not found(case, story(case, spell(case), events=[(1, off, None)]))


@pytest.mark.parametrize("case", [c for c in CASES if c.kind == "video" and c.way == "in"])
def test_pictures_on_a_page_that_nobody_sees_are_no_trouble(case):
    hidden = [(1, "browser_backgrounded", None)]
    assert not found(case, story(case, spell(case), events=hidden))


def test_a_picture_that_stands_still_because_of_loss_is_not_called_frozen():
    bad = {"total_freezes_duration": 3.5, "freeze_count": 1, "packets_lost": 80}
    case = Case("video_frozen", "in", "video", bad, "")
    told = story(case, spell(case))
    assert not found(case, told)
    assert [one.id for one in told.findings if one.severity != "info"] == ["downlink_loss"]


def test_video_held_back_by_bandwidth_counts_once_the_start_is_over():
    held = {"bandwidth": 6.0, "none": 1.0}
    ramp = Case("bandwidth_limited", "out", "video", held, "")
    assert not found(ramp, story(ramp, [held] * 3 + [{}] * 12))
    (one,) = found(ramp, story(ramp, [{}] * 4 + [held] * 6))
    assert (one.side, one.blamed_peer_id) == ("uplink", "ann")


def test_too_little_available_bandwidth_is_told_while_video_is_sent():
    narrow = [{"rtt_s": 0.05, "available": 60_000.0}] * 12
    stream = Stream("out", "video", 7, [{}] * 11)
    assert "bandwidth_limited" in {
        one.id for one in told_of(peer("ann", [stream], connections=narrow)).findings
    }
    audio = Stream("out", "audio", 7, [{}] * 11)
    assert not told_of(peer("ann", [audio], connections=narrow)).findings


def test_a_silent_microphone_is_told_only_of_clients_that_tell_of_mutes():
    silent = [{"energy": 0.0}] * 9
    stream = Stream("out", "audio", 7, silent)
    assert not told_of(peer("ann", [stream])).findings
    told = told_of(peer("ann", [stream], events=[(0, "audio_on", None)]))
    assert [one.id for one in told.findings] == ["silent_microphone"]
    muted = [(0, "audio_on", None), (1, "track_disabled", {"kind": "audio"})]
    assert not told_of(peer("ann", [stream], events=muted)).findings


def test_digital_silence_after_speech_is_measured_whatever_the_rounding():
    # The sum over these four, one after the other taken away again, is a hair under zero.
    spoken = [{"energy": gained} for gained in (0.1, 0.05, 0.16, 0.07)]
    stream = Stream("out", "audio", 7, [*spoken, *([{"energy": 0.0}] * 9)])
    told = told_of(peer("ann", [stream], events=[(0, "audio_on", None)]))
    assert [one.id for one in told.findings] == ["silent_microphone"]
    assert told.findings[0].worst == 0.0


def test_a_receiver_without_packets_although_the_sender_sent_is_dry():
    dry = [{}] * 4 + [{"packets_received": 0, "bytes_received": 0}] * 3 + [{}] * 3
    ann = peer("ann", [Stream("out", "audio", 7, [{}] * 10)])
    bob = peer("bob", [Stream("in", "audio", 7, dry, sender="ann")])
    (one,) = [each for each in told_of(ann, bob).findings if each.id == "inbound_dry"]
    assert (one.peer_id, one.severity, one.worst) == ("bob", "error", 21)
    nothing = [{}] * 4 + [{"packets_sent": 0, "bytes_sent": 0, "duration": 0.0}] * 3 + [{}] * 3
    still = peer("ann", [Stream("out", "audio", 7, nothing)])
    assert not [each for each in told_of(still, bob).findings if each.id == "inbound_dry"]


def test_audio_in_one_direction_only_is_told_of_the_one_whom_nobody_hears():
    loud, deaf = [{}] * 10, [{"total_audio_energy": 0.0}] * 10
    ann = peer(
        "ann", [Stream("out", "audio", 1, loud), Stream("in", "audio", 2, loud, sender="bob")]
    )
    bob = peer(
        "bob", [Stream("out", "audio", 2, loud), Stream("in", "audio", 1, deaf, sender="ann")]
    )
    (one,) = [each for each in told_of(ann, bob).findings if each.id == "one_way_audio"]
    assert (one.peer_id, one.severity) == ("ann", "error")
    heard = peer(
        "bob", [Stream("out", "audio", 2, loud), Stream("in", "audio", 1, loud, sender="ann")]
    )
    assert not told_of(ann, heard).findings


def test_loss_over_the_whole_call_is_summed_up():
    bad = [{"packets_lost": 16, "packets_received": 334}] * 8
    told = told_of(peer("ann", [Stream("in", "audio", 7, bad, sender="bob")]))
    assert [one.id for one in told.findings] == ["call_loss_summary"]
    fewer = [{"packets_lost": 10, "packets_received": 340}] * 8
    assert not told_of(peer("ann", [Stream("in", "audio", 7, fewer, sender="bob")])).findings


def test_loss_on_one_stream_of_several_is_information_and_not_the_receivers_way_in():
    streams = [Stream("in", "audio", n, [LOSS if n == 1 else {}] * 9, sender="bob") for n in (1, 2)]
    told = told_of(peer("ann", streams))
    (one,) = [each for each in told.findings if each.id == "downlink_loss"]
    assert one.severity == "info"
    assert (one.side, one.blamed_peer_id) != ("downlink", "ann")
    assert one.echo_of is None
    assert not any(each.echo_of for each in told.findings), "it explains nothing away"


def test_an_app_may_have_its_own_thresholds():
    uneven = Stream("in", "audio", 7, [{"jitter": 0.045}] * 9, sender="bob")
    overrides = {"high_jitter": {"raise_ms": 60}}
    told = told_of(peer("ann", [uneven]), overrides=overrides)
    assert not told.findings
    assert told.model.startswith("findings-1-")
