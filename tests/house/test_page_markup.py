"""No page of ours makes markup of text: names and messages are other people's words."""

import re
from pathlib import Path

import roomtone.web

PAGES = Path(roomtone.web.__file__).parent
MAKES_MARKUP = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|srcdoc|setHTMLUnsafe"
    r"|document\.write|unsafe(?:HTML|SVG|Static)|eval|new Function)\b"
)
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def _own(*endings: str) -> list[Path]:
    found = [path for ending in endings for path in PAGES.rglob(f"*{ending}")]
    return [path for path in found if "vendor" not in path.parts]


def test_no_script_makes_markup_of_text() -> None:
    scripts = _own(".js")
    assert len(scripts) > 20
    faults = {
        f"{path.relative_to(PAGES)}: {found.group()}"
        for path in scripts
        for found in MAKES_MARKUP.finditer(path.read_text())
    }
    assert faults == set()


def test_no_page_has_anything_inline() -> None:
    pages = _own(".html")
    assert pages
    faults = {
        f"{path.relative_to(PAGES)}: {found.group()}"
        for path in pages
        for found in INLINE.finditer(path.read_text())
    }
    assert faults == set()
