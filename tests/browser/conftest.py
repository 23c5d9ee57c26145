"""The system's Chromium, a Roomtone, and a site of somebody else's, shared by the tests in here."""

from collections.abc import Iterator

import pytest
from console_site import Console, console
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from sample_site import Site, served
from system_chromium import launched

from journeys.journey_server import JourneyServer


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The one Playwright of a module: two in one thread refuse each other, and while it lives its
    loop runs in this thread, so that no other test could run one."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One browser for a module; every test has a profile of its own in it."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh profile that lets pages use the microphone and camera."""
    context = chromium.new_context(permissions=["camera", "microphone"])
    yield context
    context.close()


@pytest.fixture(scope="session")
def roomtone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyServer]:
    """A Roomtone that is not killed."""
    server = JourneyServer(tmp_path_factory.mktemp("browser") / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The sample pages."""
    with served() as found:
        yield found


@pytest.fixture(scope="session")
def seeded_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A Roomtone with two recorded calls, and evil names, for tests that only look at it."""
    with console(tmp_path_factory.mktemp("console")) as running:
        yield running
