"""Words: their cores, counting, cleaning. Cleaning only ever takes words away.

What may go, and nothing else (``tests/laws/test_summary_laws.py`` checks it with its own reading):

1. fillers of the language ("um", "uh"), and in English "you know", "I mean" and "like" where commas
   set them off;
2. the first of two equal runs of words that begins with an English function word ("we, we lost"),
   or that a filler stood between ("mostly, um, mostly"); never one with a digit;
3. in English, words that only open a sentence ("So", "And", "Okay", "Well,").

Never a negation, never a number, never a name.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from roomtone.summaries.stop_words import FILLERS, listed

CLIP_WORDS = 45
"""A quote that runs on is cut here, with an ellipsis: nobody reads a minute of speech."""
CLIP_CHARS = 360
"""The same for words that have no end."""
CLIP_WIDE_CHARS = 70
"""The same for scripts without spaces."""
_WIDE = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts without spaces between words: each character counts as a word, as word processors do."""
_SET_OFF = {("you", "know"), ("i", "mean")}
_ARTICLES = frozenset(("the", "a", "an"))
"""After one, "you know" stands for the noun that was looked for: "during the, you know, when …"."""
_OPENERS = listed("so and okay ok yeah yep alright oh anyway")
_OPENERS_WITH_COMMA = listed("well right now look hey anyway actually yes")
_NOT_OPENERS_BEFORE = {"so": listed("that far much many long few")}
_ONCE_ENOUGH = listed(
    """i i'm i'll i'd i've you we we're we'll we've he he's she she's it it's they they're the a an
    to of in on at for with and or but so if is are was be do that's there's this my our your
    their what when because as from by can will would could should"""
)
"""Function words that nobody repeats for effect; "very very" and "no no" stay."""
_EDGES = ("P", "S", "C", "Z")
_NUMBER = re.compile(r"\d")


@lru_cache(maxsize=65_536)
def core(token: str) -> str:
    """A token without the punctuation at its edges, in lower case; ``""`` for bare punctuation."""
    start, end = 0, len(token)
    while start < end and unicodedata.category(token[start])[0] in _EDGES:
        start += 1
    while end > start and unicodedata.category(token[end - 1])[0] in _EDGES:
        end -= 1
    return token[start:end].replace("\u2019", "'").casefold()


def cores(text: str) -> list[str]:
    """The words of a text."""
    return [word for word in map(core, text.split()) if word]


def count_words(text: str) -> int:
    """How long a text is against the word limit: what stands between spaces, punctuation too."""
    wide = len(_WIDE.findall(text))
    return len(text.split()) + wide


def is_wide(word: str) -> bool:
    """Whether a word is of a script without spaces."""
    return _WIDE.search(word) is not None


class _Spoken(NamedTuple):
    """A token, and whether the speaker hesitated before it."""

    token: str
    hesitant: bool


def _without_fillers(tokens: list[str], language: str) -> list[_Spoken]:
    fillers = FILLERS.get(language, frozenset())
    kept: list[_Spoken] = []
    index, hesitant = 0, False
    while index < len(tokens):
        token, word = tokens[index], core(tokens[index])
        opened = not kept or kept[-1].token.endswith((",", "\u2013", "\u2014"))
        step = 1 if word in fillers else 0
        if language == "en" and opened and not step:
            pair = (word, core(tokens[index + 1])) if index + 1 < len(tokens) else ("", "")
            article = kept and core(kept[-1].token) in _ARTICLES
            if pair in _SET_OFF and tokens[index + 1].endswith(",") and not article:
                step = 2
            elif word == "like" and token.endswith(","):
                step = 1
        if step:
            # "we do, um, phone" had both commas for the filler alone.
            if tokens[index + step - 1].endswith(",") and kept and kept[-1].token.endswith(","):
                kept[-1] = kept[-1]._replace(token=kept[-1].token[:-1])
            index, hesitant = index + step, True
            continue
        kept.append(_Spoken(token, hesitant))
        index, hesitant = index + 1, False
    return kept


def _without_stutter(spoken: list[_Spoken]) -> list[str]:
    kept = list(spoken)
    for size in (4, 3, 2, 1):
        index = 0
        while index + 2 * size <= len(kept):
            first = [core(each.token) for each in kept[index : index + size]]
            second = [core(each.token) for each in kept[index + size : index + 2 * size]]
            # "Mostly, um, mostly" is a restart; "very very" is not.
            restarted = (
                kept[index + size].hesitant
                or first[0] in _ONCE_ENOUGH
                or (size > 1 and first[0] == "not")
            )
            if first == second and restarted and not _NUMBER.search("".join(first)):
                hesitant = kept[index].hesitant
                del kept[index : index + size]
                kept[index] = kept[index]._replace(hesitant=hesitant)
            else:
                index += 1
    return [each.token for each in kept]


def _without_openers(tokens: list[str]) -> list[str]:
    start = 0
    while start < len(tokens) - 1:
        word = core(tokens[start])
        bare = word in _OPENERS
        if not bare and not (word in _OPENERS_WITH_COMMA and tokens[start].endswith(",")):
            break
        if core(tokens[start + 1]) in _NOT_OPENERS_BEFORE.get(word, ()):
            break
        start += 1
    return tokens[start:]


def cleaned(text: str, language: str) -> str:
    """A spoken sentence to be read: no fillers, stutter, openers; ``""`` if none is left."""
    tokens = _without_stutter(_without_fillers(text.split(), language))
    if language == "en":
        tokens = _without_openers(tokens)
    if not any(core(token) for token in tokens):
        return ""
    plain = " ".join(tokens)
    return plain[0].upper() + plain[1:]


def clipped(text: str) -> str:
    """At most :data:`CLIP_WORDS` words and :data:`CLIP_CHARS` characters; an ellipsis if cut."""
    most_chars = CLIP_WIDE_CHARS if is_wide(text) else CLIP_CHARS
    tokens = text.split()
    if len(tokens) <= CLIP_WORDS and len(text) <= most_chars:
        return text
    short = " ".join(tokens[:CLIP_WORDS])[:most_chars]
    return short.rstrip(" ,;:\u2013\u2014-") + "\u2026"
