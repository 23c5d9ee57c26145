"""Sections to text, as markdown or plain text, within a word limit.

Every word counts against the limit: headings, names and times too.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from roomtone.summaries.hearing import short_names
from roomtone.summaries.sentences import Talk, plain_line
from roomtone.summaries.summary import MARKDOWN, Item, Section

_TITLE_WORDS = 16
_TITLE_CHARS = 120
_NAMED_SPEAKERS = 6
_MARKS = re.compile(r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")
_LINE_START = re.compile(r"^(?=#|[-+] |\d+[.)] )")
NOTHING = "Nothing was said that could be summarised."


class Page(Struct, frozen=True, kw_only=True):
    """What surrounds the sections: the title, when it was, the talk, how to write."""

    title: str
    started_at: int
    talk: Talk
    text_format: str


def stamp(at_ms: int) -> str:
    """``[12:34]``, or ``[1:02:34]`` past the hour: the place in the transcript."""
    seconds = at_ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    head = f"{hours}:{minutes:02}" if hours else f"{minutes:02}"
    return f"[{head}:{seconds % 60:02}]"


def escaped(text: str, text_format: str) -> str:
    """Spoken words as words: nothing in them becomes a heading, a link or a tag of the page."""
    if text_format != MARKDOWN:
        return text
    return _LINE_START.sub(r"\\", _MARKS.sub(lambda match: "\\" + match.group(), text))


def _strong(text: str, text_format: str) -> str:
    shown = escaped(text, text_format)
    return f"**{shown}**" if text_format == MARKDOWN else shown


def line(item: Item, short: dict[str, str], text_format: str) -> str:
    """One item: ``- Sofia: text [03:12]``, an action with its owner before it."""
    said: list[str] = []
    before = ""
    for quote in item.quotes:
        speaker = short.get(quote.speaker, quote.speaker)
        who, text = escaped(speaker, text_format), escaped(quote.text, text_format)
        at = _stamp(quote.at_ms, text_format)
        if item.owner is None:
            said.append(f"{text} {at}" if speaker == before else f"{who}: {text} {at}")
        elif item.owner == speaker:
            said.append(f"{text} {at}")
        else:
            said.append(f"{text} ({who}) {at}")
        before = speaker
    whole = " \u2013 ".join(said)
    if not item.owner:
        return "- " + whole
    return f"- {_strong(item.owner, text_format)}: {whole}"


def _stamp(at_ms: int, text_format: str) -> str:
    # Bare brackets could meet a "(" of the next words and read as a link.
    plain = stamp(at_ms)
    return f"\\{plain[:-1]}\\]" if text_format == MARKDOWN else plain


def heading(text: str, text_format: str, first: bool) -> str:
    """``## Meeting Summary`` and ``### …``; in plain text, capitals."""
    if text_format == MARKDOWN:
        return ("## " if first else "### ") + text
    return text.upper()


def _duration(lasted_ms: int) -> str:
    minutes = round(lasted_ms / 60_000)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{round(lasted_ms / 1000)} s"


def preamble(page: Page) -> str:
    """What the meeting was, when, how long, and who spoke how much of its words."""
    when = datetime.fromtimestamp(page.started_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    title = " ".join(plain_line(page.title).split()[:_TITLE_WORDS])[:_TITLE_CHARS]
    facts = [when, _duration(page.talk.lasted_ms)]
    if title:
        facts.insert(0, _strong(title, page.text_format))
    total = sum(page.talk.spoken_words) or 1
    order = sorted(
        range(len(page.talk.names)), key=lambda each: (-page.talk.spoken_words[each], each)
    )
    shares = [
        f"{escaped(page.talk.names[each], page.text_format)}"
        f" {round(100 * page.talk.spoken_words[each] / total)} %"
        for each in order[:_NAMED_SPEAKERS]
    ]
    if len(order) > _NAMED_SPEAKERS:
        shares.append(f"and {len(order) - _NAMED_SPEAKERS} more")
    spoke = f"\n\nSpoke: {', '.join(shares)}." if shares else ""
    return ", ".join(facts) + "." + spoke


def more(section: Section) -> str:
    """What stands under a list that the limit cut."""
    return f"- \u2026 and {section.left_out} more." if section.left_out else ""


def written(page: Page, sections: Sequence[Section]) -> str:
    """The whole text; ends with a line feed."""
    short = short_names(page.talk.names)
    blocks: list[str] = []
    for place, section in enumerate(sections):
        blocks.append(heading(section.heading, page.text_format, place == 0))
        if place == 0:
            blocks.append(preamble(page))
        lines = [line(item, short, page.text_format) for item in section.items]
        if section.left_out:
            lines.append(more(section))
        if lines:
            blocks.append("\n".join(lines))
        elif place == 0:
            blocks.append(NOTHING)
    return "\n\n".join(blocks) + "\n"
