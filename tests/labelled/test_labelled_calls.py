"""Real calls whose trouble is known: what is found, what is not, and whose side it is said to be.

The calls were made in Chromium (see README.md beside this file); here their facts are told again.
"""

import pytest
from call_facts_file import CALLS, path_of
from labelled_story import Score, score, story_of_call
from labelled_table import FINDINGS, written
from scenarios import ALL, CLEAN, Scenario

CLEAR = 0.95
MAX_CALL_BYTES = 60_000
MAX_SET_BYTES = 2_000_000
EVERY = pytest.mark.parametrize("scenario", ALL.values(), ids=list(ALL))


def scores() -> list[Score]:
    return [score(scenario) for scenario in ALL.values()]


def test_at_least_95_per_cent_of_what_is_found_is_true():
    right = sum(len(one.right) for one in scores())
    wrong = sum(len(one.wrong) for one in scores())

    assert right / (right + wrong) >= CLEAR, "\n".join(str(one) for one in scores() if one.wrong)


def test_at_least_95_per_cent_of_what_is_wanted_is_found():
    wanted = sum(len(one.scenario.wanted) for one in scores())
    found = sum(one.found for one in scores())

    assert found / wanted >= CLEAR, "\n".join(str(one) for one in scores() if one.missed)


@EVERY
def test_what_went_wrong_is_found(scenario: Scenario):
    one = score(scenario)

    assert not one.missed, str(one)


@EVERY
def test_nothing_is_found_that_is_forbidden(scenario: Scenario):
    one = score(scenario)

    assert not [f for f in one.story.findings if f.id in scenario.forbidden], str(one)


@EVERY
def test_nobody_is_blamed_whose_fault_it_was_not(scenario: Scenario):
    one = score(scenario)
    may_blame = {*scenario.may_blame, *(wanted.blamed for wanted in scenario.wanted), None}

    assert {one.person(f.blamed_peer_id) for f in one.story.findings} <= may_blame, str(one)


@pytest.mark.parametrize("scenario", CLEAN, ids=lambda one: one.name)
def test_of_a_clean_call_nothing_is_said_but_that_all_was_well(scenario: Scenario):
    story = story_of_call(scenario.name)

    assert [f for f in story.findings if f.severity != "info"] == []
    assert story.verdict.outcome == "good"


@pytest.mark.parametrize(
    "scenario", [one for one in ALL.values() if one.named], ids=lambda one: one.name
)
def test_the_verdict_names_the_person_whose_side_it_was(scenario: Scenario):
    one = score(scenario)
    said = " ".join(one.story.verdict.sentences)

    # Information alone, such as a relay or a rejoin, need not be in the verdict of a good call.
    serious = any(f.severity != "info" for f in one.right)
    assert not serious or (scenario.named or "").capitalize() in said, str(one)


def test_the_kept_calls_are_small():
    sizes = {path.name: path.stat().st_size for path in CALLS.iterdir()}

    assert {name: size for name, size in sizes.items() if size > MAX_CALL_BYTES} == {}
    assert sum(sizes.values()) <= MAX_SET_BYTES
    assert set(sizes) == {path_of(name).name for name in ALL}


def test_the_table_in_the_documentation_is_the_one_of_now():
    text = FINDINGS.read_text()

    assert text == written(text), "run: python tests/labelled/score_calls.py --write"
