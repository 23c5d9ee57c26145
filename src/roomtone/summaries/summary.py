"""What a summary is made of: quotes, items, sections."""

from msgspec import Struct

MODEL = "extractive-1"
"""What made an offline summary. Changes with every change that gives other words."""

PLAIN_TEXT = "plain_text"
MARKDOWN = "markdown"
TEXT_FORMATS = (PLAIN_TEXT, MARKDOWN)
MIN_WORD_LIMIT = 150
MAX_WORD_LIMIT = 1_000
DEFAULT_WORD_LIMIT = 500
"""Contract 2.5."""


class Quote(Struct, frozen=True, kw_only=True):
    """One spoken sentence without its fillers, and where it was said."""

    text: str
    speaker: str
    at_ms: int
    """Since the session's start; never negative."""
    segment_ids: tuple[str, ...]
    """The segments that the words are from: one, or two where a recogniser cut a sentence."""


class Item(Struct, frozen=True, kw_only=True):
    """One line of a summary: a quote, or a quote and what was said to it."""

    quotes: tuple[Quote, ...]
    owner: str | None = None
    """Who is to do it; empty where nobody was named. None: nothing is to be done."""


class Section(Struct, frozen=True, kw_only=True):
    """A heading and its items in the order of the talk. ``left_out``: found, but over the limit."""

    heading: str
    items: tuple[Item, ...]
    left_out: int = 0


class Summary(Struct, frozen=True, kw_only=True):
    """A summary as text, and the same as data."""

    text: str
    sections: tuple[Section, ...] = ()
    """Empty where a language model wrote the text."""
    model: str
    cut: int = 0
    """How many things that were found, or lines that were written, the word limit left out."""
