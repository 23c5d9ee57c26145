"""Servers that several journeys share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from journey_server import JourneyServer
from player import BUNDLED, Call, import_files, play

DATA = Path(__file__).resolve().parent.parent / "data"
IMPORTED = (
    DATA / "getstats-clean.json.gz",
    DATA / "getstats-lossy.json.gz",
    DATA / "getstats-mesh3-clean.json.gz",
    BUNDLED / "google-standard-stats-sfu.jsonl.gz",
    BUNDLED / "firefox-standard-stats-sfu.jsonl.gz",
    BUNDLED / "safari-standard-stats.jsonl.gz",
    BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz",
)
PLAYED = (
    "getstats-clean.json.gz",
    "getstats-lossy.json.gz",
    "getstats-mesh3-clean.json.gz",
    "realtimekit-clean.jsonl.gz",
    "realtimekit-mute.jsonl.gz",
    "realtimekit-allevents.jsonl.gz",
)


def pytest_configure(config: pytest.Config) -> None:
    """pytest-xdist's own mark, known also where it is not installed."""
    config.addinivalue_line("markers", "xdist_group(name): run on one worker")


Serve = Callable[..., JourneyServer]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a Roomtone of the test's own, with these settings."""
    started: list[JourneyServer] = []

    def start(**settings: Any) -> JourneyServer:
        server = JourneyServer(tmp_path / f"data{len(started)}", **settings)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyServer]:
    """A Roomtone that the tests of one file share."""
    running = JourneyServer(tmp_path_factory.mktemp("journey") / "data").start()
    yield running
    running.stop()


@dataclass(frozen=True)
class Stage:
    """A server that was told of every recording by every way there is."""

    server: JourneyServer
    calls: dict[str, Call]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything imported and everything played, and all of it sealed."""
    running = JourneyServer(tmp_path_factory.mktemp("stage") / "data").start()
    calls = import_files(running, IMPORTED)
    calls += [play(running, name) for name in PLAYED]
    running.wait_until_sealed()
    yield Stage(running, {str(call): call for call in calls})
    running.stop()
