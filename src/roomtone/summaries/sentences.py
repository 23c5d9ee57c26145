"""Segments to sentences: who said what, when, in which segments.

A recogniser cuts speech where the speaker breathes, so a segment may hold several sentences or a
part of one. Where a transcript has punctuation, a sentence that one segment leaves open goes on in
the same speaker's next one; where it has none, a segment is a sentence.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from roomtone.model.words import Segment, Speaker
from roomtone.summaries.stop_words import STOP_WORDS, language_of
from roomtone.summaries.terms import terms_of
from roomtone.summaries.wording import cleaned, cores

_END = re.compile(
    r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]?[^\sa-z])"
    r"|(?<=[\u0964\u3002\uff01\uff1f])\s*"
    r"|(?<=[\u0370-\u03ff][;\u037e])\s+"
)
_NO_END = re.compile(
    r"(?:^|\s)(?:mr|mrs|ms|dr|prof|st|vs|no|approx|e\.g|i\.e|z\.b|bzw|ca|nr|[^\W\d_])\.$",
    re.IGNORECASE,
)
_FINISHED = (".", "!", "?", "\u2026", "\u0964", "\u3002", "\uff01", "\uff1f", '"', "\u201d", ")")
_BROKEN_OFF = ("...", "\u2026", "-", "\u2013", "\u2014", ",")
_QUESTION = re.compile("[?\uff1f][\"')\\]\u201d]*$|[\u0370-\u03ff][;\u037e]$")
_ASKS = re.compile(
    r"(?:who|what|when|where|why|which|how|is|are|was|were|do|does|did|can|could|should|shall|will"
    r"|would|have|has|may) (?:i|you|we|they|he|she|it|there|that|this|the|a|an|is|are|was|do|does"
    r"|did|much|many|long|about|can|should|would|will|somebody|someone|anybody|anyone)\b"
)
_HIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_JOIN_GAP_MS = 4_000
_JOIN_WORDS = 60
_PUNCTUATED = 0.4
_SAMPLE_WORDS = 20_000


class Sentence(Struct, frozen=True, kw_only=True):
    """One sentence as it was said, as it can be shown, and as it can be compared."""

    index: int
    turn: int
    """Counts changes of speaker."""
    voice: int
    """Index into :attr:`Talk.names`."""
    at_ms: int
    segment_ids: tuple[str, ...]
    text: str
    """Cleaned; never empty."""
    plain: str
    """:attr:`text` in lower case with straight apostrophes: what cues look at."""
    words: int
    terms: tuple[str, ...]
    asks: bool
    whole: bool
    """Not broken off."""


class Talk(Struct, frozen=True, kw_only=True):
    """A whole transcript, read."""

    language: str
    names: tuple[str, ...]
    """By voice, in order of appearance."""
    spoken_words: tuple[int, ...]
    """By voice."""
    sentences: tuple[Sentence, ...]
    lasted_ms: int


def plain_line(text: str) -> str:
    """One line without control, zero-width and direction characters: safe to show and to quote."""
    return " ".join(_HIDDEN.sub(" ", text).split())


def name_of(speaker: Speaker) -> str:
    """What to call somebody: the name, else the best id, else "Unknown"."""
    known = speaker.display_name or speaker.custom_participant_id or speaker.user_id
    words = plain_line(known or speaker.peer_id).split()[:5]
    return " ".join(words)[:60] or "Unknown"


def split(text: str) -> list[str]:
    """The sentences of a text, in order; their words together are the text's."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if _NO_END.search(piece):
            continue
        if piece:
            found.append(piece)
        start = match.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


class _Piece(Struct):
    """A stretch of one speaker's words that will become one sentence."""

    voice: int
    turn: int
    at_ms: int
    end_ms: int
    ids: list[str]
    text: str
    open: bool


def _pieces(segments: Sequence[Segment], started_at: int, punctuated: bool) -> list[_Piece]:
    voices: dict[str, int] = {}
    found: list[_Piece] = []
    turn = 0
    for segment in segments:
        voice = voices.setdefault(name_of(segment.speaker), len(voices))
        at_ms, end_ms = (max(0, t - started_at) for t in (segment.start_at, segment.end_at))
        if found and found[-1].voice != voice:
            turn += 1
        for place, text in enumerate(split(plain_line(segment.sentence))):
            last = found[-1] if found else None
            if (
                place == 0
                and last is not None
                and last.open
                and last.voice == voice
                and at_ms - last.end_ms <= _JOIN_GAP_MS
                and len(last.text.split()) < _JOIN_WORDS
            ):
                last.text += " " + text
                last.ids.append(segment.id)
                last.end_ms, last.open = end_ms, not text.endswith(_FINISHED)
                continue
            unfinished = punctuated and not text.endswith(_FINISHED)
            found.append(_Piece(voice, turn, at_ms, end_ms, [segment.id], text, unfinished))
    return found


def _sentence(piece: _Piece, index: int, language: str, punctuated: bool) -> Sentence | None:
    text = cleaned(piece.text, language)
    if not text:
        return None
    plain = text.casefold().replace("\u2019", "'")
    asks = bool(_QUESTION.search(text))
    if not punctuated and language == "en":
        asks = asks or _ASKS.match(plain) is not None
    whole = not (piece.open or text.endswith(_BROKEN_OFF))
    if not punctuated and not text.endswith(_FINISHED):
        text += "?" if asks else "."
    return Sentence(
        index=index,
        turn=piece.turn,
        voice=piece.voice,
        at_ms=piece.at_ms,
        segment_ids=tuple(piece.ids),
        text=text,
        plain=plain,
        words=len(text.split()),
        terms=terms_of(text, language),
        asks=asks,
        whole=whole,
    )


def read(segments: Iterable[Segment], started_at: int) -> Talk:
    """Read a transcript; segments in any order, sentences come in the order of the talk."""
    ordered = sorted(segments, key=lambda each: each.start_at)
    with_words = [each for each in ordered if each.sentence.strip()]
    ended = sum(each.sentence.rstrip().endswith(_FINISHED) for each in with_words)
    punctuated = ended >= _PUNCTUATED * len(with_words)
    sample: list[str] = []
    for each in with_words:
        sample += cores(each.sentence)
        if len(sample) > _SAMPLE_WORDS:
            break
    language = language_of(sample)
    names: dict[str, int] = {}
    for each in with_words:
        name = name_of(each.speaker)
        names[name] = names.get(name, 0) + len(each.sentence.split())
    sentences: list[Sentence] = []
    for piece in _pieces(with_words, started_at, punctuated):
        sentence = _sentence(piece, len(sentences), language, punctuated)
        if sentence is not None:
            sentences.append(sentence)
    lasted = max((each.end_at for each in ordered), default=started_at) - started_at
    return Talk(
        language=language if language in STOP_WORDS else "",
        names=tuple(names),
        spoken_words=tuple(names.values()),
        sentences=tuple(sentences),
        lasted_ms=max(0, lasted),
    )
