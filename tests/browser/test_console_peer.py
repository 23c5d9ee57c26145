"""The peer page tells what the peer report tells, stream by stream, and what others received."""

from collections.abc import Iterator

import pytest
from console_site import Console, Visitor, visitor

pytestmark = [pytest.mark.needs("chromium", "node")]

KINDS = {"audio": "microphone", "video": "camera"}


@pytest.fixture(scope="module")
def place(seeded_console: Console) -> tuple[str, str]:
    """(session, peer) of the lossy call."""
    return seeded_console.session_id, seeded_console.peer_id


@pytest.fixture
def guest(chromium, seeded_console: Console) -> Iterator[Visitor]:
    with visitor(chromium, seeded_console.url) as found:
        yield found.sign_in(seeded_console.server.api_token)


def _open(guest: Visitor, place: tuple[str, str]):
    page = guest.go(f"/sessions/{place[0]}/peers/{place[1]}", ".charts .u-wrap")
    page.wait_for_selector(".events, .panel")
    return page


def _mean(readings: list[dict]) -> str:
    scores = [one["mos_quality"] for one in readings if one["mos_quality"] is not None]
    return f"{sum(scores) / len(scores):.2f}"


def test_every_stream_stands_there_with_its_own_mean(guest, seeded_console, place):
    page = _open(guest, place)
    report = seeded_console.server.get(f"/sessions/peer-report/{place[1]}")["participant"]
    quality = report["peer_report"]["quality"]

    for source in ("audio_producer", "video_producer", "audio_consumer", "video_consumer"):
        button = page.locator(f'[data-stream^="{source}:"]')
        assert button.count() == 1
        assert button.locator("b").inner_text() == _mean(quality[source])
    device = report["peer_report"]["metadata"]["browser_metadata"]["user_agent"]
    assert page.locator(".facts .wide dd").inner_text() == device
    guest.check()


def test_what_was_sent_stands_beside_what_was_received_of_it(guest, seeded_console, place):
    page = _open(guest, place)
    told = seeded_console.server.get(f"/sessions/peer-report/{place[1]}/received")
    heard = next(one for one in told["series"] if one["source"] == "audio_consumer")
    chart = page.locator('[data-chart="loss"]')

    labels = chart.locator(".u-legend .u-label").all_inner_texts()
    assert labels[-2:] == ["sent", heard["display_name"]]

    columns = chart.locator("rt-chart").evaluate("(element) => element.data")
    drawn = [value for value in columns[2] if value is not None]
    assert drawn == [value for value in heard["loss"] if value is not None]
    guest.check()


def test_another_stream_shows_its_own_charts(guest, place):
    page = _open(guest, place)
    assert page.locator('[data-chart="fps"]').count() == 0

    page.locator('[data-stream^="video_consumer:"]').click()

    page.wait_for_selector('[data-chart="fps"] .u-wrap')
    assert page.locator('[data-chart="height"]').count() == 1
    guest.check()


def test_the_cursor_is_one_over_all_charts(guest, place):
    page = _open(guest, place)
    page.locator('[data-chart="mos"] .u-over').hover()

    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-chart=bitrate] .u-value')]"
        ".some((value) => value.textContent.includes('kbit'))"
    )
    guest.check()
