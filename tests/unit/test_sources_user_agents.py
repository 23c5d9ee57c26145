"""User agents → engine, browser, system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.model.facts import Described
from roomtone.sources.user_agents import describe, engine_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/128.0.0.0 Safari/537.36"
)
EDGE = CHROME + " Edg/128.0.0.0"
OPERA = CHROME + " OPR/112.0.0.0"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Safari/605.1.15"
)
IPHONE_CHROME = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) CriOS/128.0.6613.98 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/128.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "engine"),
    [
        (CHROME, "Blink"),
        (EDGE, "Blink"),
        (OPERA, "Blink"),
        (HEADLESS, "Blink"),
        (ANDROID, "Blink"),
        (FIREFOX, "Gecko"),
        (SAFARI, "WebKit"),
        (IPHONE_CHROME, "WebKit"),
        ("curl/8.5.0", None),
        ("", None),
        (None, None),
    ],
)
def test_the_engine_is_told_by_the_user_agent(user_agent: str | None, engine: str | None) -> None:
    assert engine_of(user_agent) == engine


@pytest.mark.parametrize(
    ("user_agent", "browser", "version", "os", "mobile"),
    [
        (CHROME, "Chrome", "128.0.0", "Windows", False),
        (EDGE, "Edge", "128.0.0", "Windows", False),
        (FIREFOX, "Firefox", "118.0", "Linux", False),
        (SAFARI, "Safari", "17.0", "Mac OS X", False),
        (IPHONE_CHROME, "Chrome Mobile iOS", "128.0.6613", "iOS", True),
        (ANDROID, "Chrome Mobile", "128.0.0", "Android", True),
    ],
)
def test_a_header_describes_browser_and_device(
    user_agent: str, browser: str, version: str, os: str, mobile: bool
) -> None:
    told = describe(user_agent, 7)
    assert (told.t, told.user_agent) == (7, user_agent)
    assert (told.browser, told.browser_version, told.os) == (browser, version, os)
    assert told.is_mobile is mobile


@given(st.text())
def test_any_text_describes_something_or_nothing(text: str) -> None:
    assert isinstance(describe(text, 0), Described)


def test_a_header_that_means_nothing_leaves_everything_unknown() -> None:
    assert describe("nonsense", 1) == Described(t=1, user_agent="nonsense")
