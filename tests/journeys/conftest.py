"""Servers that several journeys share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journey_server import JourneyServer, Serve
from player import IMPORTED, PLAYED, Stage, import_files, play


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


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything imported and everything played, and all of it sealed."""
    running = JourneyServer(tmp_path_factory.mktemp("stage") / "data").start()
    calls = import_files(running, IMPORTED)
    calls += [play(running, name) for name in PLAYED]
    running.wait_until_sealed()
    yield Stage(running, {str(call): call for call in calls})
    running.stop()
