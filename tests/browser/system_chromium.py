"""The Chromium that the machine has, with fake devices, as Playwright starts it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

from parts import CHROMIUM

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def launched(playwright: Playwright, *more: str, without: Sequence[str] = ()) -> Iterator[Browser]:
    """A running browser; ``more`` flags prevail over those of the same name. ``without``: flags of
    Playwright's own that it is not given."""
    found = next(filter(None, map(shutil.which, CHROMIUM)))
    browser = playwright.chromium.launch(
        executable_path=found, args=[*FLAGS, *more], ignore_default_args=list(without)
    )
    yield browser
    browser.close()
