"""The offline summary: read, rank, choose, fit, write."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from roomtone.model.words import Segment
from roomtone.summaries.hearing import Found, Hearing, recaps_of, short_names
from roomtone.summaries.kinds import KINDS, OVERVIEW, POINTS
from roomtone.summaries.ranking import TermMatrix, centrality
from roomtone.summaries.selecting import Chosen, choose
from roomtone.summaries.sentences import Talk, read
from roomtone.summaries.summary import MODEL, Item, Quote, Section, Summary
from roomtone.summaries.topics import topic_of
from roomtone.summaries.wording import clipped, count_words
from roomtone.summaries.writing import Page, heading, line, preamble, written

_SHARE = 0.55
"""A summary is at most this part of the talk, however high the limit …"""
_SHORTEST = 220
"""… but of a short talk more than half may be worth saying."""
_MORE_WORDS = 5
"""Of the line that says how much was left out."""


def _item(found: Found, talk: Talk) -> Item:
    quotes = tuple(
        Quote(
            text=clipped(talk.sentences[index].text),
            speaker=talk.names[talk.sentences[index].voice],
            at_ms=talk.sentences[index].at_ms,
            segment_ids=talk.sentences[index].segment_ids,
        )
        for index in found.lines
    )
    return Item(quotes=quotes, owner=found.owner)


class _Offer(Struct, frozen=True):
    """One item that would like to be in: how much it weighs, where it goes, what it costs."""

    weight: float
    place: int
    first_line: int
    item: Item
    words: int


def _offers(chosen: Sequence[Chosen], page: Page) -> list[_Offer]:
    short = short_names(page.talk.names)
    found: list[_Offer] = []
    for place, part in enumerate(chosen):
        for rank, each in enumerate(part.found):
            item = _item(each, page.talk)
            words = count_words(line(item, short, page.text_format))
            found.append(
                _Offer(part.weight / (1 + part.fade * rank), place, each.lines[0], item, words)
            )
    return sorted(found, key=lambda each: (-each.weight, each.place, each.first_line))


def _frame(chosen: Sequence[Chosen], counts: Sequence[int], page: Page) -> int:
    """The words that are not items: headings, and "… and 3 more"."""
    words = 0
    for place, (part, count) in enumerate(zip(chosen, counts, strict=True)):
        if count or not place:
            words += count_words(heading(part.heading, page.text_format, first=not place))
            words += _MORE_WORDS if _left_out(part, count) else 0
    return words


def _left_out(part: Chosen, count: int) -> int:
    # Of the statements there are always more: nobody needs to be told how many.
    return 0 if part.heading in (OVERVIEW, POINTS) else len(part.found) - count


def _fit(chosen: Sequence[Chosen], page: Page, limit: int) -> list[Section]:
    """The most important items that fit; in each section in the order of the talk."""
    spent = count_words(preamble(page))
    taken: list[list[_Offer]] = [[] for _ in chosen]
    counts = [0] * len(chosen)
    for offer in _offers(chosen, page):
        counts[offer.place] += 1
        if spent + offer.words + _frame(chosen, counts, page) <= limit:
            taken[offer.place].append(offer)
            spent += offer.words
        else:
            counts[offer.place] -= 1
    return [
        Section(
            heading=part.heading,
            items=tuple(each.item for each in sorted(offers, key=lambda each: each.first_line)),
            left_out=_left_out(part, len(offers)),
        )
        for part, offers in zip(chosen, taken, strict=True)
    ]


def heard(talk: Talk) -> Hearing:
    """A talk with its ranking and topics."""
    matrix = TermMatrix([sentence.terms for sentence in talk.sentences])
    return Hearing(
        talk=talk,
        centrality=tuple(centrality(matrix).tolist()),
        topics=tuple(topic_of(matrix).tolist()),
        recaps=recaps_of(talk),
    )


def summarise(
    segments: Iterable[Segment],
    *,
    started_at: int,
    title: str,
    summary_type: str,
    word_limit: int,
    text_format: str,
) -> Summary:
    """Summarise a session's transcript in its own words.

    ``started_at``: epoch ms of the session's start, the zero of the times that are shown.
    ``summary_type``, ``word_limit``, ``text_format``: as contract 2.5 has them. Raises KeyError for
    a type that :data:`~roomtone.summaries.kinds.KINDS` does not have.
    """
    kind = KINDS[summary_type]
    talk = read(segments, started_at)
    page = Page(title=title, started_at=started_at, talk=talk, text_format=text_format)
    chosen = choose(heard(talk), kind)
    limit = min(word_limit, max(_SHORTEST, int(_SHARE * sum(talk.spoken_words))))
    sections = _fit(chosen, page, limit)
    shown = [section for section in sections if section.items or section is sections[0]]
    return Summary(
        text=written(page, shown),
        sections=tuple(shown),
        model=MODEL,
        cut=sum(section.left_out for section in sections),
    )
