"""What two sentences can have in common: their content words, cut to something like a stem."""

import re
from functools import lru_cache

from roomtone.summaries.stop_words import FILLERS, STOP_WORDS
from roomtone.summaries.wording import cores, is_wide

_STEM_CHARS = 7
"""Elsewhere than in English endings are cut by length: crude, and right often enough to rank by."""
_ENDINGS = re.compile(r"(?:'s|ies|ing|ed|es|s|ly)$")


@lru_cache(maxsize=65_536)
def stem(word: str, language: str) -> str:
    """Words of one stem are one term: ``tickets`` and ``ticket``."""
    if language != "en":
        return word[:_STEM_CHARS]
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    short = _ENDINGS.sub("", word)
    if len(short) < 3 or word.endswith("ss"):
        return word
    # planned → plann → plan; calle(d) keeps what it needs to meet "calls".
    if len(short) > 3 and short[-1] == short[-2] and short != word and short[-1] not in "ls":
        short = short[:-1]
    return short.removesuffix("e") if len(short) > 4 else short


def terms_of(text: str, language: str) -> tuple[str, ...]:
    """The content words of a text, stemmed; pairs of characters in scripts without spaces."""
    stop = STOP_WORDS.get(language, frozenset())
    fillers = FILLERS.get(language, frozenset())
    found: list[str] = []
    for word in cores(text):
        if is_wide(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        elif word not in stop and word not in fillers and (len(word) > 2 or word.isdigit()):
            found.append(stem(word, language))
    return tuple(found)
