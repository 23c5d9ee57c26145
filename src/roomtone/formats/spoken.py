"""Cleaning what people and programs wrote: names, sentences, chat texts.

A name is shown beside other people's names, so whatever is invisible or turns the order of its
neighbours round is taken out of it (Unicode TR 36, "Trojan Source", CVE-2021-42574). Joiners stay
where a script or an emoji needs them. A sentence is one line; a chat text keeps its lines.

Every cleaning is idempotent, and says what it did in words that fit a note.
"""

import re

ZERO_WIDTH = "invisible characters taken out"
BIDI = "characters that turn the direction of text taken out"
CONTROL = "control characters taken out"
FOLDED = "line breaks folded into spaces"

WORD_JOINER = "\u2060"

_BIDI_MARKS = "\u061c\u200e\u200f"
_BIDI_SPANS = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
_TAGS = "\U000e0000-\U000e007f"
"""Tag characters spell hidden ASCII: text that people do not see and programs read."""
_JOINERS = "\u200c\u200d"
_LINES = "\n\r\t\x0b\x0c\x85\u2028\u2029"

_SUSPICIOUS = re.compile(
    f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI_MARKS}{_BIDI_SPANS}{_INVISIBLE}{_TAGS}{_JOINERS}]"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}{_TAGS}]")
_JOINER = re.compile(f"[{_JOINERS}]")
_SPANS = re.compile(f"[{_BIDI_SPANS}]")
_SPANS_AND_MARKS = re.compile(f"[{_BIDI_SPANS}{_BIDI_MARKS}]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_BREAKS = re.compile(f"[{_LINES}]+")

FIRST_JOINING = "\u0590"
"""Latin, Greek and Cyrillic end below: only beyond does a joiner change what is read."""


def clean_name(text: str) -> tuple[str, tuple[str, ...]]:
    """A display name on one line, and what was done to it. May come out empty."""
    return _clean_line(text, _SPANS_AND_MARKS)


def clean_sentence(text: str) -> tuple[str, tuple[str, ...]]:
    """A sentence on one line, and what was done to it. Direction marks, which Hebrew and Arabic
    text may need between its own words, stay; embeddings and overrides go."""
    return _clean_line(text, _SPANS)


def clean_text(text: str) -> tuple[str, tuple[str, ...]]:
    """A chat text, and what was done to it. It keeps its lines, its tabs and its outer spaces."""
    if not _SUSPICIOUS.search(text):
        return text, ()
    return _without(text, _SPANS)


def _clean_line(text: str, direction: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    if not _SUSPICIOUS.search(text):
        return text.strip(), ()
    cleaned, done = _without(text, direction)
    stripped = cleaned.strip()
    folded = stripped
    if _BREAKS.search(stripped):
        parts = (part.strip(" ") for part in _BREAKS.split(stripped))
        folded = " ".join(part for part in parts if part)
    if folded != stripped:
        done += (FOLDED,)
    return folded.strip(), done


def _without(text: str, direction: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    done = []
    cleaned = _HIDDEN.sub("", text)
    # Only now: a hidden character between a joiner and its letter must not count as its neighbour.
    shorter, other_way = direction.sub("", cleaned), direction.search(cleaned) is not None
    plain = _CONTROLS.sub("", shorter)
    joined = _with_useful_joiners(plain)
    if cleaned != text or joined != plain:
        done.append(ZERO_WIDTH)
    if other_way:
        done.append(BIDI)
    if plain != shorter:
        done.append(CONTROL)
    return joined, tuple(done)


def _with_useful_joiners(text: str) -> str:
    """Joiners only between two characters that they can change."""
    if not _JOINER.search(text):
        return text
    kept: list[str] = []
    for at, character in enumerate(text):
        if character in _JOINERS:
            before = kept[-1] if kept else ""
            after = text[at + 1] if at + 1 < len(text) else ""
            if not (_joins(before) and _joins(after)):
                continue
        kept.append(character)
    return "".join(kept)


def _joins(character: str) -> bool:
    return character >= FIRST_JOINING and character not in _JOINERS and not character.isspace()
