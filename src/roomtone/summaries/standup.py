"""A stand-up's three questions: what each speaker did, does, and is kept from doing.

A speaker's report is read in order. It opens with a day ("yesterday", "today") or a blocker; what
is past tense counts as done only until "today" or a blocker takes over.
"""

import re

from roomtone.summaries.cue_sections import BLOCKED, DOING, DONE, NOT_BLOCKED
from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.sentences import Sentence

_INTERRUPTION_WORDS = 40
_FOR_OTHERS = (" you", " your", "you ", " them ")


def _kind(sentence: Sentence, going: str) -> str:
    """What a sentence reports, given what its speaker was reporting; ``none``: no blockers."""
    plain = sentence.plain
    if NOT_BLOCKED.search(plain):
        return "none"
    if BLOCKED.search(plain):
        return "blocked"
    done, doing = DONE.search(plain), DOING.search(plain)
    if doing and any(word in plain for word in _FOR_OTHERS):
        doing = None
    if done and going not in ("", "done") and "yesterday" not in plain:
        # "I'm blocked. I wrote to them": not a thing done, part of the trouble.
        done = None
    if done and doing:
        return "done" if done.start() < doing.start() else "doing"
    return "done" if done else "doing" if doing else ""


def _reports(hearing: Hearing) -> list[tuple[str, Sentence]]:
    found: list[tuple[str, Sentence]] = []
    going, voice, gap = "", -1, 0
    for sentence in hearing.talk.sentences:
        if sentence.voice != voice:
            gap += sentence.words
            fresh = _kind(sentence, "")
            if fresh not in ("done", "doing", "blocked") or (
                fresh != "blocked" and not _opens(sentence)
            ):
                continue
            going, voice = "", sentence.voice
        elif gap > _INTERRUPTION_WORDS:
            going = ""
        gap = 0
        own = _kind(sentence, going)
        going = own or going
        if own in ("", "none") or sentence.asks or not sentence.whole:
            continue
        if len(sentence.terms) >= 2 and sentence.words > 4:
            found.append((own, sentence))
    return found


def _opens(sentence: Sentence) -> bool:
    """Only somebody who gives a report says which day it is about."""
    return (
        re.search(r"\b(?:yesterday|today|last night|this (?:morning|week))\b", sentence.plain)
        is not None
    )


def find_reports(hearing: Hearing, kind: str) -> list[Found]:
    """``kind``: done, doing or blocked. The best of each speaker comes first."""
    reported = [sentence for own, sentence in _reports(hearing) if own == kind]
    places: dict[int, int] = {}
    found: list[Found] = []
    for sentence in sorted(reported, key=lambda each: -_substance(hearing, each)):
        place = places[sentence.voice] = places.get(sentence.voice, 0) + 1
        score = 2.0 / place + 0.3 * hearing.weight(sentence)
        found.append(Found(lines=(sentence.index,), score=score))
    return found


def _substance(hearing: Hearing, sentence: Sentence) -> float:
    return hearing.weight(sentence) + 0.1 * min(len(sentence.terms), 10)
