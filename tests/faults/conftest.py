"""Faults: what every test here shares, and the table of what became of them.

``ROOMTONE_SOAK=1`` makes each fault as many as a release wants them (`make soak`); without it each
takes seconds. Outcomes travel as properties of the tests' reports, so they arrive whatever process
ran the test, and the last lines of the run are their table.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Servers as people run them are the journeys'; faults are what happens to them.
sys.path.append(str(Path(__file__).parent.parent / "journeys"))

from outcome import FILE, LONG, PROPERTY, Outcome, summary, table


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What the running test counts; it comes into the table even if the test fails."""
    return Outcome(request.node.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put a test's outcome on its report."""
    try:
        yield
    finally:
        made = getattr(item, "funcargs", {}).get("outcome")
        if isinstance(made, Outcome):
            item.user_properties.append((PROPERTY, made.as_json()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and write it as JSON where a long run wants it."""
    found = [
        {**json.loads(value), "passed": kind == "passed"}
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, [])
        for name, value in getattr(report, "user_properties", [])
        if name == PROPERTY
    ]
    if not found:
        return
    terminalreporter.section("faults", sep="-")
    for line in table(found):
        terminalreporter.write_line(line)
    if LONG:
        place = Path(os.environ.get("ROOMTONE_SOAK_SUMMARY", FILE))
        place.write_text(json.dumps(summary(found), indent=1) + "\n")
        terminalreporter.write_line(f"written to {place}")
