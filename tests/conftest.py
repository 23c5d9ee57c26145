"""What every test shares: the parts a machine may lack, and how that is told.

``@pytest.mark.needs("node")`` skips a test where Node is missing; the end of the run names every
missing part, with how to get it. With CI=true nothing is missing by permission: the test fails.

Where PostgreSQL or NATS is installed and does not run, the run starts its own and ends it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from lent_servers import LentServers
from parts import MISSING, require

LENT = LentServers()

# How long one example takes says more of what else the machine does than of the code.
settings.register_profile(
    "roomtone", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("roomtone")


@pytest.fixture(autouse=True)
def log_settings() -> Iterator[None]:
    """Commands that a test runs in this process set logging up; the next test starts afresh."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; lend servers before any worker begins, which inherit their URLs."""
    config.addinivalue_line("markers", "needs(*parts): skip where the machine lacks one of these")
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        LENT.start()


def pytest_unconfigure() -> None:
    """What was lent ends with the run."""
    LENT.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several workers (``-n``) get the tests by shares."""
    from shares import Shares  # only where pytest-xdist is installed

    return Shares(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for what a test says that it needs."""
    for marker in item.iter_markers("needs"):
        for part in marker.args:
            require(part)


def _missing_parts(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for report in reporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple) and MISSING in report.longrepr[2]:
            yield report.longrepr[2].partition(MISSING)[2]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped for a missing part, part by part."""
    missing = Counter(_missing_parts(terminalreporter))
    if missing:
        terminalreporter.section("skipped for a missing part", sep="-")
        for part, count in sorted(missing.items()):
            terminalreporter.write_line(f"{part}: {count} tests")
