"""Files dropped on the import page become sessions, or say why not."""

import gzip
from collections.abc import Iterator
from importlib.resources import files

import pytest
from console_site import EVIL, Console, Visitor, visitor

pytestmark = [pytest.mark.needs("chromium", "node")]

EVIL_NAME = EVIL.replace("/", "∕")
"""A file's name cannot hold a slash of its own."""
SRT = b"1\r\n00:00:03,000 --> 00:00:06,000\r\nAlice: We agreed on Friday.\r\n"


@pytest.fixture
def guest(chromium, seeded_console: Console) -> Iterator[Visitor]:
    with visitor(chromium, seeded_console.url) as found:
        yield found.sign_in(seeded_console.server.api_token)


def _recording() -> bytes:
    return (files("roomtone") / "recordings" / "getstats-mesh3-clean.json.gz").read_bytes()


def _file(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def test_a_recording_and_its_words_land_on_the_session_they_made(guest, seeded_console):
    page = guest.go("/import", ".drop")

    page.set_input_files(
        "input[type=file]",
        [_file("words.srt", SRT), _file(f"{EVIL_NAME}.json.gz", _recording())],
    )

    page.wait_for_selector("rt-timeline [data-row] canvas", timeout=60_000)
    session_id = page.url.partition("/sessions/")[2].partition("?")[0]
    session = seeded_console.server.get(f"/sessions/{session_id}")
    assert session["meeting_display_name"] == EVIL_NAME
    assert page.locator("h1").inner_text() == EVIL_NAME
    assert page.locator("[data-row]").count() == 3
    assert "We agreed on Friday." in page.locator(".words-list").inner_text()
    guest.check()


def test_what_cannot_be_read_says_why_and_the_rest_goes_on(guest):
    guest.expected += ("/imports",)
    page = guest.go("/import", ".drop")

    broken = gzip.compress(b"{}" * 1000)[:-20]
    page.set_input_files(
        "input[type=file]",
        [
            _file("holiday.jpg", b"\xff\xd8\xff\xe0"),
            _file("cut.json.gz", broken),
            _file("a.srt", SRT),
        ],
    )

    page.wait_for_function("() => document.querySelectorAll('[data-state=refused]').length === 3")
    told = page.locator(".uploads").inner_text()
    assert "Not a recording that is known here" in told
    assert "ends too early" in told
    assert "session_id" in told
    assert page.url.endswith("#/import")
    assert guest.axe() == []
    guest.check()
