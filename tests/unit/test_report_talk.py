"""Talk time from sound levels: against speech of which the test knows when it sounded."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorded_calls import collected_facts
from roomtone.model.attendance import DOMINANT_SPEAKER, MICROPHONE, RECEIVED
from roomtone.model.facts import Happened
from roomtone.report.fold import fold, new_state
from roomtone.report.talk import NOTHING_HEARD, Heard, Talk, heard, talk_time, together

LONG = 10**9


def spoken(cadence_s, turns, level=0.05, noise=0.001):
    """(t ms, energy, duration) at a cadence, of a voice that sounds during ``turns`` (s, s)."""
    energy = 0.0
    told = [(0, 0.0, 0.0)]
    for tenth in range(1, 6001):
        at = tenth / 10
        sounds = any(start < at <= end for start, end in turns)
        energy += 0.1 * (level if sounds else noise) ** 2
        if tenth % (cadence_s * 10) == 0:
            told.append((int(at * 1000), energy, at))
    return told


def send(talk, told, source, *transports):
    for t, energy, duration in told:
        for transport in transports or ("pc",):
            ear = talk.own_ear(transport, "mic", source)
            if ear is not None:
                ear.look(t, energy, duration)


def own(told, *names):
    talk = Talk()
    send(talk, told, "microphone", *names)
    return talk_time(talk, "me", NOTHING_HEARD, LONG)


@pytest.mark.parametrize("cadence_s", [1, 5, 7])
@pytest.mark.parametrize("level", [0.02, 0.05, 0.5])
def test_a_voice_is_measured_within_a_fifth_whatever_the_cadence_and_the_gain(cadence_s, level):
    dice = random.Random(cadence_s)
    turns, at = [], 0.0
    while at < 580:
        start = at + dice.uniform(2, 20)
        at = start + dice.uniform(2, 18)
        turns.append((start, at))
    truth = sum(end - start for start, end in turns)

    told = own(spoken(cadence_s, turns, level))
    assert told.source == MICROPHONE
    assert told.ms / 1000 == pytest.approx(truth, rel=0.2)


def test_who_says_nothing_talks_for_no_time_and_who_is_not_measured_is_not_known():
    assert own(spoken(5, [])).ms == 0
    assert own([(0, 0.0, 0.0)]) is None
    assert talk_time(Talk(), "me", NOTHING_HEARD, LONG) is None


def test_a_microphone_that_goes_to_several_peers_talks_once():
    turns = [(10, 60)]
    one = own(spoken(5, turns))
    assert own(spoken(5, turns), "to b", "to c", "to d") == one


def test_a_shared_screens_sound_is_nobodys_talk():
    talk = Talk()
    send(talk, spoken(5, [(0, 300)]), "screenshare_audio")
    assert talk_time(talk, "me", NOTHING_HEARD, LONG) is None


def test_a_gap_or_a_counter_that_begins_anew_counts_nothing():
    talk = Talk()
    send(talk, [(0, 5.0, 100.0), (1000, 0.0, 0.5), (200_000, 9.0, 200.0)], "")
    assert talk_time(talk, "me", NOTHING_HEARD, LONG) is None


@pytest.mark.parametrize(("energy", "duration"), [(5e-324, 5.0), (2.0**64, 5e-324)])
def test_numbers_that_no_voice_has_stop_no_fold(energy, duration):
    assert own([(0, 0.0, 0.0), (5000, energy, duration)]).ms == 0


def test_others_tell_of_a_client_that_sends_no_levels_and_the_best_ear_is_believed():
    near, far = Talk(), Talk()
    for t, energy, duration in spoken(7, [(10, 60)]):
        near.ear("pc", "in", "microphone", "b").look(t, energy, duration)
        if t > 40_000:
            far.ear("pc", "in", "", "b").look(t, energy, duration)
    both = together([heard(far, LONG), heard(near, LONG)])
    told = talk_time(Talk(), "b", both, LONG)
    assert told.source == RECEIVED
    assert told.ms / 1000 == pytest.approx(50, rel=0.15)
    assert talk_time(Talk(), "nobody heard", both, LONG) is None


def test_events_tell_where_no_level_does():
    talk = Talk()
    for t, who in ((1_000, "a"), (5_000, "b"), (9_000, None), (20_000, "a")):
        talk.lead(Happened(t=t, name="dominant_speaker", metadata={"peer_id": who}))
    said = together([heard(talk, 26_000)])
    told = {who: talk_time(Talk(), who, said, LONG).ms for who in ("a", "b", "c")}
    assert told == {"a": 10_000, "b": 4_000, "c": 0}
    assert talk_time(Talk(), "a", said, LONG).source == DOMINANT_SPEAKER


def test_nobody_talks_longer_than_they_are_there():
    said = Heard({"a": 1000.0}, {})
    assert talk_time(Talk(), "a", said, 60_000).ms == 60_000


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=6))
def test_where_the_facts_of_a_real_call_are_cut_does_not_matter(cuts):
    facts = next(iter(collected_facts("realtimekit-clean").values()))
    whole = fold(new_state(7000), facts)
    pieces = new_state(7000)
    marks = sorted({0, len(facts), *(min(cut, len(facts)) for cut in cuts)})
    for start, end in pairwise(marks):
        fold(pieces, facts[start:end])
    assert heard(pieces.talk, LONG) == heard(whole.talk, LONG)
