"""The colours of the console and the call page: dark is said twice, once for who chose it and once
for whose system is dark, for CSS has no way to say it once that charts can read as well."""

import re

from sources_of_truth import ROOT

TOKENS = ROOT / "src/roomtone/web/assets/console/tokens.css"
COLOURS = re.compile(r"#[0-9a-f]{6}|rgb\(")


def said(selector: str) -> dict[str, str]:
    """The declarations of a rule."""
    (block,) = re.findall(rf"(?m)^ *{re.escape(selector)} \{{([^}}]*)\}}", TOKENS.read_text())
    return dict(re.findall(r"([\w-]+): ([^;]+);", block))


def test_dark_is_the_same_whoever_asks_for_it():
    assert said(':root:not([data-theme="light"])') == said(':root[data-theme="dark"]')


def test_every_colour_is_said_for_dark_as_well():
    light = {name for name, value in said(":root").items() if COLOURS.search(value)}

    assert light == said(':root[data-theme="dark"]').keys() - {"color-scheme"}
