"""The catalogue: what it promises to those who read it and to those who override its numbers."""

from pathlib import Path

import pytest

from roomtone.findings.attribution import NOBODY, OF_A_WAY, OWN
from roomtone.findings.catalogue import BY_ID, DETECTORS, MODEL, Thresholds
from roomtone.findings.echoes import CAUSES, RANK
from roomtone.model.errors import Invalid

PAGE = Path(__file__).resolve().parents[2] / "docs/findings.md"


def row(detector):
    """A detector as docs/findings.md shows it."""
    raises, clears = detector.rule({each.name: each.value for each in detector.thresholds})
    severity = detector.severity
    if detector.second_severity:
        severity += f", {detector.second_severity}"
    numbers = "<br>".join(
        f"`{each.name}` {each.value:g} {each.unit}".strip() for each in detector.thresholds
    )
    silent = ", ".join(f"`{each}`" for each in detector.suppressed_by)
    return (
        f"| `{detector.id}` | {detector.title} | {severity} | {raises}; over {clears} | "
        f"{numbers or '–'} | {silent or '–'} | {detector.source} |"
    )


def test_it_has_every_row_of_the_specification():
    assert len(DETECTORS) == len(BY_ID) == 41


@pytest.mark.parametrize("detector", DETECTORS, ids=list(BY_ID))
def test_the_page_shows_it_as_it_is(detector):
    assert row(detector) in PAGE.read_text()


@pytest.mark.parametrize("detector", DETECTORS, ids=list(BY_ID))
def test_it_says_what_to_do_and_names_only_what_exists(detector):
    assert detector.advice.endswith(".")
    assert detector.says.endswith(".")
    assert set(detector.suppressed_by) <= set(BY_ID)
    assert all(each.says.endswith(".") for each in detector.thresholds)


def test_every_id_in_the_tables_of_attribution_is_a_detector():
    named = {
        *OWN,
        *NOBODY,
        *OF_A_WAY,
        *RANK,
        *CAUSES,
        *(c for each in CAUSES.values() for c in each),
    }
    assert named <= set(BY_ID)


def test_a_cause_stands_before_its_echo():
    for name, causes in CAUSES.items():
        later = {each for each in causes if RANK[each] > RANK[name]}
        # What a sender heard back may be its receiver's own loss: that one is ordered by the case.
        assert later <= ({"downlink_loss"} if name == "uplink_loss" else set()), name


def test_no_overrides_are_the_catalogue():
    assert Thresholds.of(None).model == Thresholds.of({}).model == MODEL
    same = {"high_rtt": {"raise_ms": 300}}
    assert Thresholds.of(same).model == MODEL


def test_an_override_counts_and_gives_the_model_another_name():
    mine = Thresholds.of({"high_rtt": {"raise_ms": 200}})
    assert mine["high_rtt"]["raise_ms"] == 200
    assert mine["high_rtt"]["error_ms"] == 500
    assert mine["high_rtt"]["clear_ms"] == 200, "what ends it goes with what begins it"
    assert mine.model != MODEL
    assert mine.model == Thresholds.of({"high_rtt": {"raise_ms": 200.0}}).model


def test_every_fault_of_the_overrides_is_told():
    with pytest.raises(Invalid) as refused:
        Thresholds.of(
            {"nonsense": {"a": 1}, "high_rtt": {"raise_s": 1, "clear_ms": -1, "error_ms": True}}
        )
    assert [fault.where for fault in refused.value.faults] == [
        "nonsense",
        "high_rtt.raise_s",
        "high_rtt.clear_ms",
        "high_rtt.error_ms",
    ]
