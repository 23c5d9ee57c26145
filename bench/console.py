"""The console in a browser: what a session page of a long call of ten people costs.

The call is told through the doors and sealed (:mod:`bench.long_call`); then Chromium opens its page
with an empty cache. *Interactive* is when the timeline is painted and answers to a key.
"""

import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.figures import Figure
from bench.long_call import seed
from bench.reports import FOR_EVER
from bench.servers import HOST, init, roomtone

PEOPLE, MINUTES, QUICK_MINUTES = 10, 60.0, 10.0
OPENED, SCROLLED_PX, SCROLL_S = 5, 9_000, 3.0
GOAL_MS, GOAL_FRAME_MS, GOAL_KB = 1_500.0, 50.0, 200.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

FRAMES = """async ([down, sideways, ms]) => {
  const box = document.querySelector('.tl-scroll');
  const frames = [];
  const start = performance.now();
  let before = start;
  await new Promise((done) => {
    const step = (now) => {
      frames.push(now - before);
      before = now;
      const share = Math.min(1, (now - start) / ms);
      scrollTo(0, down * Math.sin(share * Math.PI));
      box.scrollLeft = sideways * share;
      if (share < 1) requestAnimationFrame(step); else done();
    };
    requestAnimationFrame(step);
  });
  return frames.slice(2);
}"""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Open the page some times, then scroll it both ways, zoomed in."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise SystemExit("bench console needs Chromium or Chrome")
    data = folder / "console"
    credentials = init(data)
    minutes = QUICK_MINUTES if quick else MINUTES
    with roomtone(data, silence_s=FOR_EVER) as server:
        session_id = seed(server, credentials, PEOPLE, minutes)
        base = f"http://{HOST}:{server.port}"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
            opened, sizes = [], []
            for _ in range(OPENED):
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                _sign_in(page, base, credentials.api_token)
                ms, size = _open(page, f"{base}/console#/sessions/{session_id}")
                opened.append(ms)
                sizes.append(size)
                frames = _frames(page)
                context.close()
            browser.close()
    call = f"{PEOPLE} people, {minutes:.0f} min"
    return [
        Figure(
            part="console",
            what=f"session page interactive, {call}",
            value=statistics.median(opened),
            unit="ms",
            goal=GOAL_MS,
            more_is_better=False,
        ),
        Figure(
            part="console",
            what="  longest frame while scrolling both ways, zoomed in",
            value=max(frames),
            unit="ms",
            goal=GOAL_FRAME_MS,
            more_is_better=False,
        ),
        Figure(
            part="console",
            what="  its timeline, gzip",
            value=max(sizes) / 1000,
            unit="KB",
            goal=GOAL_KB,
            more_is_better=False,
        ),
    ]


def _sign_in(page: Page, base: str, token: str) -> None:
    page.goto(f"{base}/console")
    page.fill("#token", token)
    page.click("rt-sign-in button.primary")
    page.wait_for_selector("rt-outlet > *")


def _open(page: Page, url: str) -> tuple[float, int]:
    """(ms until the timeline answers to a key, bytes of its answer on the wire)."""
    sizes: list[int] = []

    def arrived(response: object) -> None:
        length = getattr(response, "headers", {}).get("content-length", "0")
        if str(getattr(response, "url", "")).endswith("/timeline"):
            sizes.append(int(length))

    page.on("response", arrived)
    page.goto("about:blank")
    # A fresh document: every module and the answer are fetched, compiled and drawn.
    page.goto(url, wait_until="commit")
    page.wait_for_selector("rt-timeline [data-row] canvas")
    page.locator("[data-slider]").press("ArrowRight")
    page.wait_for_selector(".tl-at")
    ms = page.evaluate("performance.now()")
    return float(ms), max(sizes, default=0)


def _frames(page: Page) -> list[float]:
    """Lengths of the frames, in ms, while the page scrolls down and up, the timeline sideways."""
    for _ in range(4):
        page.click("[aria-label='Zoom in']")
    page.wait_for_timeout(500)
    found: list[float] = page.evaluate(FRAMES, [SCROLLED_PX, SCROLLED_PX, SCROLL_S * 1000])
    return found
