"""The browser collector's share of a core, in each tab of a call of four.

Chrome's own profiler samples a tab while it is in the call. The CPU time of the tab's main thread
is shared out by the samples in which it was not idle: the collector's are those with a function of
``roomtone.js`` on the stack, and its share of the collection of garbage.
"""

import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.people import Backend
from bench.servers import HOST, init, roomtone

GOAL_PERCENT = 1.0
TABS = 4
SETTLE_S, SECONDS = 8.0, 30.0
QUICK_SETTLE_S, QUICK_SECONDS = 5.0, 12.0
SAMPLING_US = 500
SCRIPT = "roomtone.js"
IDLE = "(idle)"
BROWSER_TESTS = Path(__file__).resolve().parents[1] / "tests" / "browser"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Four tabs, each connected with each, with fake cameras and microphones."""
    settle_s, seconds = (QUICK_SETTLE_S, QUICK_SECONDS) if quick else (SETTLE_S, SECONDS)
    data = folder / "collector"
    credentials = init(data)
    with roomtone(data) as server:
        with Backend(server, credentials) as backend:
            tokens = [person.token for person in backend.meet(TABS)]
        shares = _call(f"http://{HOST}:{server.port}", tokens, settle_s, seconds)
    return [
        Figure(
            part="collector",
            what=f"CPU in a tab of a call of {TABS}: the most of {len(shares)} tabs",
            value=max(shares),
            unit="% of a core",
            goal=GOAL_PERCENT,
            more_is_better=False,
        )
    ]


def _call(url: str, tokens: list[str], settle_s: float, seconds: float) -> list[float]:
    # The sample page and the browser's flags are those of the tests.
    sys.path[:0] = [str(BROWSER_TESTS), str(BROWSER_TESTS.parent)]
    from playwright.sync_api import sync_playwright
    from sample_site import served
    from system_chromium import launched

    with served() as site, sync_playwright() as playwright, launched(playwright) as browser:
        profile = browser.new_context(permissions=["camera", "microphone"])
        sessions = []
        for token in tokens:
            page = profile.new_page()
            page.goto(site.observed("call.html", url, token=token))
            page.wait_for_function("window.observation")
            sessions.append(profile.new_cdp_session(page))
        page.wait_for_timeout(settle_s * 1000)
        for session in sessions:
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            session.send("Profiler.enable")
            session.send("Profiler.setSamplingInterval", {"interval": SAMPLING_US})
            session.send("Profiler.start")
        start, before = time.perf_counter(), [thread_s(session) for session in sessions]
        page.wait_for_timeout(seconds * 1000)
        profiles = [session.send("Profiler.stop")["profile"] for session in sessions]
        wall_s = time.perf_counter() - start
        spent = [thread_s(session) - at for session, at in zip(sessions, before, strict=True)]
        return [
            100 * share(profile) * cpu_s / wall_s
            for profile, cpu_s in zip(profiles, spent, strict=True)
        ]


def thread_s(session: Any) -> float:
    """Seconds that the tab's main thread has had on a core."""
    told = session.send("Performance.getMetrics")["metrics"]
    (found,) = (each["value"] for each in told if each["name"] == "ThreadTime")
    return float(found)


def share(profile: dict[str, Any]) -> float:
    """The collector's part of the time in which the thread was not idle."""
    nodes = {node["id"]: node for node in profile["nodes"]}
    parents = {child: node["id"] for node in nodes.values() for child in node.get("children", ())}

    def is_ours(node_id: int | None) -> bool:
        while node_id is not None:
            if SCRIPT in nodes[node_id]["callFrame"]["url"]:
                return True
            node_id = parents.get(node_id)
        return False

    ours = others = 0.0
    for node_id, spent in zip(profile["samples"], profile["timeDeltas"], strict=True):
        name = nodes[node_id]["callFrame"]["functionName"]
        if name == IDLE:
            continue
        if name == "(garbage collector)":
            continue
        if is_ours(node_id):
            ours += spent
        else:
            others += spent
    # The garbage is shared out as the rest is.
    return ours / (ours + others) if ours else 0.0
