"""Who is to do what: promises ("I'll send it"), requests ("Bob, can you …?") and their takers."""

import re

from msgspec.structs import replace

from roomtone.summaries import cues
from roomtone.summaries.hearing import Found, Hearing, short_names
from roomtone.summaries.sentences import Sentence
from roomtone.summaries.stop_words import listed
from roomtone.summaries.wording import cores

NOBODY = ""
"""Asked, but it does not say of whom."""
UNASSIGNED = "Not assigned"
"""Wanted of "somebody", and nobody took it."""
_MOST_LINES = 3
_VOCATIVE = re.compile(
    r"^(?:(?:and|then|but|also) )?(?P<first>[A-Z][\w'-]+)(?:, (?=you|please)|,? (?=can|could"
    r"|would|will))"
    r"|[,.!] (?P<inner>[A-Z][\w'-]+), (?=can|could|would|will|please)"
    r"|, (?P<last>[A-Z][\w'-]+)[?.!]$",
)
_NOT_NAMES = listed(
    """yes no and so but then okay well right please what how why where when who sorry or maybe now
    because if great good thanks hey hi sure also only what's that this it there can could would
    will do did does have has is are was shall should monday tuesday wednesday thursday friday
    saturday sunday tomorrow today someone somebody everybody everyone anybody anyone we they you
    i he she still i'm professor sir madam exactly perfect"""
)
_YOU_DO = re.compile(r"\b(?:[A-Z][\w'-]+), you (?P<verb>[a-z]+)")


class _People:
    """Names as they are called in the talk, to the names that a summary shows."""

    def __init__(self, hearing: Hearing) -> None:
        self.short = short_names(hearing.talk.names)
        self.known: dict[str, str] = {}
        for full, short in self.short.items():
            for part in (full, short, *full.split()):
                self.known.setdefault(part.casefold(), short)

    def of(self, called: str) -> str | None:
        word = called.casefold()
        if word in _NOT_NAMES:
            return None
        return self.known.get(word, called)

    def voice(self, hearing: Hearing, sentence: Sentence) -> str:
        return self.short[hearing.talk.names[sentence.voice]]

    def addressed(self, sentence: Sentence) -> str | None:
        for match in _VOCATIVE.finditer(sentence.text):
            name = self.of(match.group("first") or match.group("inner") or match.group("last"))
            if name is not None:
                return name
        return None

    def charged(self, sentence: Sentence) -> tuple[str, str] | None:
        """``Bob will send …``: who, and the verb."""
        for called, short in self.known.items():
            if " " in called or called not in sentence.plain:
                continue
            match = re.search(
                rf"\b{re.escape(called)} (?:will|is going to|needs to|has to|should|to)"
                r" (?P<verb>[a-z'-]+)",
                sentence.plain,
            )
            if match and match.group("verb") in cues.WORK:
                return short, match.group("verb")
        return None


def _promises(sentence: Sentence) -> float:
    """How surely a sentence is a promise of its speaker; 0: it is none."""
    plain = sentence.plain
    if cues.NO_PROMISE.search(plain) or (sentence.asks and not plain.endswith("?")):
        return 0.0
    due = cues.DEADLINE.search(plain) is not None
    match = cues.PROMISE.search(plain)
    if match and not sentence.asks and match.group("verb") in cues.WORK | {"do"}:
        return 1.4 if due else 1.0
    if cues.LET_ME.search(plain) or (cues.JOINT.search(plain) and not sentence.asks):
        return 1.2 if due else 0.8
    offer = cues.OFFER.search(plain)
    if offer and not sentence.asks and offer.group("verb") in cues.WORK | {"do"}:
        return 1.1 if due else 0.7
    return 0.0


def _requests(sentence: Sentence, people: _People) -> tuple[float, str] | None:
    """How surely a sentence asks somebody to do something, and whom (``""``: it does not say)."""
    plain = sentence.plain
    if cues.ASKS_WHAT.match(plain):
        return None
    due = 0.3 if cues.DEADLINE.search(plain) else 0.0
    charged = people.charged(sentence)
    if charged is not None and not sentence.asks:
        return 1.0 + due, charged[0]
    match = cues.REQUEST.search(plain) or cues.PLEASE.search(plain) or cues.SOMEBODY.search(plain)
    if match is None and due:
        match = cues.TO_ALL.search(plain)
    you_do = _YOU_DO.search(sentence.text)
    if match is None and you_do and sentence.asks:
        match = you_do
    if match is None:
        return None
    groups = match.groupdict()
    if groups.get("who") == "you" and cues.NO_REQUEST.search(plain[match.start() :][:60]):
        return None
    verb = groups.get("verb") or groups.get("task") or ""
    if verb not in cues.WORK and not (verb == "do" and cues.DO_WHAT.search(plain)):
        return None
    if groups.get("who") != "you" and match.re is not cues.PLEASE and match.re is not _YOU_DO:
        return 1.0 + due, UNASSIGNED if match.re is not cues.TO_ALL else NOBODY
    return 1.0 + due, people.addressed(sentence) or NOBODY


def _taken(hearing: Hearing, asked: Sentence) -> tuple[Sentence, bool] | None:
    """Who takes a request on, and whether they promise it in words of their own."""
    for reply in hearing.others_after(asked.index, 4):
        if cues.OWN_OFFER.search(reply.plain) and not cues.DECLINES.match(reply.plain):
            return reply, True
        if cues.ACCEPTS.match(reply.plain):
            following = hearing.talk.sentences[reply.index + 1 : reply.index + 2]
            for more in following:
                if more.voice == reply.voice and _promises(more):
                    return more, True
            return reply, False
        if cues.DECLINES.match(reply.plain) or reply.asks or reply.words > 3:
            # The talk has gone on to something else: a later "I can" is about that.
            return None
    return None


def _from_request(hearing: Hearing, people: _People, sentence: Sentence) -> Found | None:
    request = _requests(sentence, people)
    if request is None:
        return None
    score, owner = request
    taken = _taken(hearing, sentence)
    if taken is not None:
        reply, promised = taken
        if owner in (NOBODY, UNASSIGNED):
            owner = people.voice(hearing, reply)
        score += 0.3
        told = promised and len(cores(reply.text)) > 3
        if told and people.voice(hearing, reply) == owner:
            return Found(lines=(sentence.index, reply.index), score=score, owner=owner)
    elif owner == UNASSIGNED:
        pass
    elif not owner and not cues.DEADLINE.search(sentence.plain):
        score -= 0.4
    if score < 0.7 or sentence.words < 5:
        return None
    return Found(lines=(sentence.index,), score=score, owner=owner)


def _from_promise(hearing: Hearing, people: _People, sentence: Sentence) -> Found | None:
    score = _promises(sentence)
    if not score or sentence.words < 4 or not sentence.whole:
        return None
    owner = people.voice(hearing, sentence)
    vague = cues.POINTS_BACK.search(sentence.plain) is not None and len(sentence.terms) < 4
    if vague or len(sentence.terms) < 2:
        before = hearing.earlier(sentence.index)
        if before is not None:
            return Found(lines=(before.index, sentence.index), score=score, owner=owner)
        if len(sentence.terms) + (cues.DEADLINE.search(sentence.plain) is not None) < 2:
            return None
    return Found(lines=(sentence.index,), score=score, owner=owner)


def find_actions(hearing: Hearing) -> list[Found]:
    """Everything that somebody is to do after the meeting, each sentence in one item only."""
    people = _People(hearing)
    found: list[Found] = []
    used: set[int] = set()
    for sentence in hearing.talk.sentences:
        if sentence.index in used:
            continue
        item = _from_request(hearing, people, sentence) or _from_promise(hearing, people, sentence)
        if item is None or used.intersection(item.lines[1:]):
            continue
        if item.lines[0] in used:
            # It points back to what already stands in an item: "I'll do that today".
            for place, earlier in enumerate(found):
                if item.lines[0] in earlier.lines and len(earlier.lines) < _MOST_LINES:
                    lines = (*earlier.lines, *item.lines[1:])
                    found[place] = replace(earlier, lines=lines, owner=item.owner)
                    used.update(lines)
            continue
        used.update(item.lines)
        found.append(item)
    return found
