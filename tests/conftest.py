"""What every test shares: the parts a machine may lack, and how that is told.

``@pytest.mark.needs("node")`` skips a test where Node is missing; the end of the run names every
missing part, with what it is for. With CI=true nothing is missing by permission: the test fails.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENVS = ROOT / ".envs"
MISSING = "missing part: "


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _file(path: Path) -> Callable[[], bool]:
    return path.exists


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    # name: (is it here?, how to get it)
    "node": (_program("node"), "install Node 18 or newer"),
    "python-5.2.0": (_file(ENVS / "cloudflare-5.2.0/.roomtone-sdk"), "run make test"),
    "python-5.9.0": (_file(ENVS / "cloudflare-5.9.0/.roomtone-sdk"), "run make test"),
    "typescript-6.0.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
    "typescript-7.3.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
}


def require(part: str) -> None:
    """Skip the running test, by name, if this machine lacks a part of :data:`PARTS`."""
    here, remedy = PARTS[part]
    if here():
        return
    reason = f"{MISSING}{part} ({remedy})"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; with CI=true nothing may be missing", pytrace=False)
    pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "needs(*parts): skip where the machine lacks one of these")


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
