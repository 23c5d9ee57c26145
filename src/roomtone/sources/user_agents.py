"""User agent → device and browser, by ua-parser's table."""

from functools import lru_cache

import ua_parser

from roomtone.model.facts import Described
from roomtone.model.limits import MAX_NAME_CHARS

BLINK = "Blink"
GECKO = "Gecko"
WEBKIT = "WebKit"


def engine_of(user_agent: str | None) -> str | None:
    """The rendering engine; None when the text does not tell.

    Every browser on iOS is WebKit, whatever it calls itself, and names Chrome only as ``CriOS``.
    """
    if not user_agent:
        return None
    if "Chrome/" in user_agent or "Chromium/" in user_agent:
        return BLINK
    if "Gecko/" in user_agent and "Firefox/" in user_agent:
        return GECKO
    return WEBKIT if "AppleWebKit/" in user_agent else None


def describe(user_agent: str, t: int) -> Described:
    """What the header tells, as a fact at ``t``. Text that means nothing gives Nones."""
    text = user_agent[:MAX_NAME_CHARS]
    browser, browser_version, os, os_version, is_mobile = _parsed(text)
    return Described(
        t=t,
        user_agent=text,
        browser=browser,
        browser_version=browser_version,
        engine=engine_of(text),
        os=os,
        os_version=os_version,
        is_mobile=is_mobile,
    )


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[str | None, str | None, str | None, str | None, bool | None]:
    found = ua_parser.parse(text)
    agent, system = found.user_agent, found.os
    return (
        agent.family if agent else None,
        _dotted(agent.major, agent.minor, agent.patch) if agent else None,
        system.family if system else None,
        _dotted(system.major, system.minor, system.patch) if system else None,
        ("Mobi" in text or system.family in ("iOS", "Android")) if system else None,
    )


def _dotted(*parts: str | None) -> str | None:
    return ".".join(part for part in parts if part) or None
