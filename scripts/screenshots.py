"""Pictures of the console, and of a call, with the demo's data, for documents and a designer's eye.

``screenshots.py [NAME …]``   all of them, or those whose name begins so, into docs/images
``screenshots.py --out DIR``  somewhere else
``screenshots.py --all``      every page in each size and theme; without, what the documents show

Needs Chromium. Starts a demo of its own on a free port, in a temporary folder, and stops it.
"""
# ruff: noqa: S603, T201 - this starts the demo, and talks to the person who waits

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
MAX_BYTES = 150_000
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")

Go = Callable[[Page, dict[str, Any]], None]


def _at(hash_: str, ready: str) -> Go:
    """Go to a place in the console, and wait for what shows that it is there."""

    def go(page: Page, demo: dict[str, Any]) -> None:
        page.goto(f"{demo['url']}/console#{hash_.format(**demo)}")
        page.wait_for_selector(ready, timeout=15_000)

    return go


PAGES: dict[str, Go] = {
    "sign-in": lambda _page, _demo: None,
    "sessions": _at("/sessions", "rt-page-sessions rt-table tbody tr"),
    "overview": _at("/overview", "rt-page-overview .figures"),
    "apps": _at("/settings/apps", "rt-settings-apps rt-table"),
    "tokens": _at("/settings/tokens", "rt-settings-tokens rt-table"),
    "webhooks": _at("/settings/webhooks", "rt-settings-webhooks rt-table"),
    "webhook": _at("/settings/webhooks/{webhook}", "rt-webhook-log"),
    "session": _at("/sessions/{session}", "rt-timeline [data-row] canvas"),
    "findings": _at("/sessions/{session}", "rt-timeline [data-row] canvas"),
    "peer": _at("/sessions/{session}/peers/{peer}", ".charts .u-wrap"),
    "import": _at("/import", "rt-page-import h1"),
    "lobby": lambda _page, _demo: None,
    "call": lambda _page, _demo: None,
    "call-end": lambda _page, _demo: None,
}
SCROLLED_TO = {"findings": "#findings-head"}
IN_DOCUMENTS = {
    "sessions-wide-light", "sessions-wide-dark", "sessions-phone-light",
    "overview-wide-light", "overview-phone-dark",
    "session-wide-light", "session-wide-dark", "session-phone-light",
    "peer-wide-light", "import-wide-light",
    "call-wide-dark", "call-phone-light",
}  # fmt: skip


def main() -> int:
    """See the module."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments.add_argument("--all", action="store_true")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        demo = _start(data)
        try:
            return _take(demo, given)
        finally:
            _roomtone("demo", "--stop", "--data", data)


def _take(demo: dict[str, Any], given: argparse.Namespace) -> int:
    wanted = [
        (name, size, theme)
        for name in PAGES
        for size in SIZES
        for theme in THEMES
        if not given.names or f"{name}-{size}-{theme}".startswith(tuple(given.names))
        if given.all or given.names or f"{name}-{size}-{theme}" in IN_DOCUMENTS
    ]
    failed = 0
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        print("Install Chromium or Chrome.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for name, size, theme in wanted:
            file = given.out / f"{name}-{size}-{theme}.png"
            try:
                _one(browser, demo, name, size, theme, file)
            except Error as error:
                failed += 1
                print(f"{file.name}: {error}", file=sys.stderr)
                continue
            bytes_ = file.stat().st_size
            print(f"{file}  {bytes_ // 1000} kB")
            if bytes_ > MAX_BYTES:
                failed += 1
                print(f"{file.name} is larger than {MAX_BYTES} bytes", file=sys.stderr)
        browser.close()
    return 1 if failed else 0


def _one(
    browser: Browser, demo: dict[str, Any], name: str, size: str, theme: str, file: Path
) -> None:
    context = _profile(browser, size, theme)
    if name in ("lobby", "call", "call-end"):
        other = _profile(browser, "wide", theme)
        context.add_init_script(f"localStorage.setItem('roomtone.call.theme', '{theme}')")
        _call(demo, (context.new_page(), other.new_page()), name, file)
        other.close()
    else:
        _console(context.new_page(), demo, name, file)
    context.close()


def _profile(browser: Browser, size: str, theme: str) -> BrowserContext:
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        permissions=["camera", "microphone"],
    )


def _console(page: Page, demo: dict[str, Any], name: str, file: Path) -> None:
    page.goto(f"{demo['url']}/console")
    page.wait_for_selector("#token")
    if name != "sign-in":
        page.fill("#token", demo["api_token"])
        page.click("rt-sign-in button.primary")
        page.wait_for_selector("rt-outlet > *")
        page.mouse.move(1, 1)  # nothing is pointed at in a picture
        PAGES[name](page, demo)
    page.wait_for_timeout(600)
    if name in SCROLLED_TO:
        page.locator(SCROLLED_TO[name]).evaluate("(head) => head.scrollIntoView()")
        page.wait_for_timeout(200)
    page.screenshot(path=file)


def _call(demo: dict[str, Any], pages: tuple[Page, Page], name: str, file: Path) -> None:
    """Two people who talk and write, as the first of them sees it."""
    page, other = pages
    where = {"data": demo["data"], "base-url": demo["url"], "title": "Weekly sync"}
    options = [word for option, value in where.items() for word in (f"--{option}", value)]
    link = json.loads(_roomtone("call", *options, "--json"))["url"]
    for one, called in ((page, "Ana"), (other, "Bo")):
        one.goto(link)
        one.wait_for_selector("#lobby:not([hidden])")
        one.fill("#name", called)
    page.wait_for_timeout(1_500)
    if name != "lobby":
        for one in (page, other):
            one.click("#join")
            one.wait_for_selector("#call:not([hidden])")
        page.wait_for_selector(".tile[data-state=connected]:not(.self)")
        if page.viewport_size == {"width": SIZES["wide"][0], "height": SIZES["wide"][1]}:
            _chat(page, other)
        page.wait_for_timeout(3_000)
    if name == "call-end":
        page.click("#leave")
        page.wait_for_selector("#rejoin:not([disabled])", timeout=20_000)
    page.mouse.move(1, 1)
    page.screenshot(path=file)


def _chat(page: Page, other: Page) -> None:
    for one, text in ((other, "Can you hear me?"), (page, "Loud and clear. Shall we start?")):
        if one.is_hidden("#chat"):
            one.click("#talk")
        one.fill("#chat-text", text)
        one.press("#chat-text", "Enter")
        page.wait_for_timeout(400)


# --- the demo -------------------------------------------------------------------------------------


def _start(data: Path) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _roomtone("demo", "--data", data, "--port", port)
    made = json.loads((data / "credentials.json").read_text())
    demo = {**made, "data": str(data), "url": f"http://127.0.0.1:{port}"}
    hook = {
        "name": "Our backend",
        "url": "https://hooks.example.com/roomtone",
        "events": ["meeting.started", "meeting.ended", "meeting.transcript"],
    }
    demo["webhook"] = _api(demo, "/webhooks", hook)["id"]
    # The call with most to show: that in which most was found wrong.
    found = max(_api(demo, "/sessions")["sessions"], key=_trouble)
    demo["session"] = found["id"]
    people = _api(demo, f"/sessions/{demo['session']}/participants")["participants"]
    told = _api(demo, f"/sessions/{demo['session']}")["findings"]
    blamed = [one["blamed_peer_id"] for one in told if one["blamed_peer_id"]]
    demo["peer"] = (blamed or [people[0]["id"]])[0]
    return demo


def _trouble(row: dict[str, Any]) -> tuple[int, int]:
    counts = row["finding_counts"] or {"error": 0, "warning": 0}
    return counts["error"], counts["warning"]


def _api(demo: dict[str, Any], path: str, body: Any = None) -> Any:
    url = f"{demo['url']}/accounts/{demo['account_id']}/realtime/kit/{demo['app_id']}{path}"
    request = urllib.request.Request(  # noqa: S310 - our own server
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {demo['api_token']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)["data"]


def _roomtone(*words: object) -> bytes:
    command = [sys.executable, "-m", "roomtone", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
