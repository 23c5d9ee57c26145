"""A summary by a language model, however long the meeting: rounds of prompts, as pure data.

A transcript that fits what the model reads at once is one round of one prompt. A longer one is cut
into parts: notes of each, then the summary of the notes; notes that together do not fit are
shortened first, as often as it takes. Every word of the transcript stands in exactly one prompt.

The caller only carries prompts to a model and answers back::

    step = first(segments, …)
    while isinstance(step, Round):
        step = follow(step, [await writer.write(prompt) for prompt in step.prompts], model)

A round is a plain struct: it can be stored between two prompts and gone on with after a crash.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.words import Segment
from roomtone.summaries.answers import fitted, tidied
from roomtone.summaries.prompts import (
    NOTES_WORDS,
    Order,
    Prompt,
    combine_prompt,
    final_prompt,
    merge_prompt,
    notes_prompt,
    quoted,
    shorten_prompt,
)
from roomtone.summaries.sentences import name_of, plain_line
from roomtone.summaries.summary import Summary
from roomtone.summaries.wording import count_words
from roomtone.summaries.writing import stamp

BYTES_PER_TOKEN = 3
"""Tokens are estimated too high rather than too low: English has four bytes a token and more."""
SYSTEM_TOKENS = 1_000
"""What the longest instruction takes, with the fence around the text."""
MIN_CONTEXT_TOKENS = 4_000
"""Below, instructions and answer leave no room for a transcript."""
MAX_ROUNDS = 8
"""Each round at least halves notes that keep to their length: enough for years of talk."""


_GROWTH = (2.0, 1.0)
"""Notes twice as long as the transcript, or shortened notes that are no shorter, lead nowhere."""


class Unsummarisable(Exception):
    """The model's answers cannot become a summary; the message says why, to a person."""


class Stage(StrEnum):
    """What a round's answers are."""

    SUMMARY = "summary"
    NOTES = "notes"
    SHORTER = "shorter"


class Round(Struct, frozen=True, kw_only=True):
    """Prompts that can be asked in any order, or at once; their answers go to :func:`follow`."""

    order: Order
    room: int
    """Tokens of transcript that one prompt may hold."""
    stage: Stage
    prompts: tuple[Prompt, ...]
    number: int = 1


def tokens_of(text: str) -> int:
    """How many tokens a text may take, for any tokeniser: an estimate from above."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def _bits(text: str, room: int) -> Iterator[str]:
    """A line that alone is too long, in pieces at its spaces; all its words, in order."""
    kept: list[str] = []
    for word in text.split():
        # A word that never ends (a script without spaces, a pasted file) is cut at characters.
        pieces = [word[i : i + room // 2] for i in range(0, len(word), max(1, room // 2))]
        for piece in pieces:
            if kept and tokens_of(" ".join((*kept, piece))) > room:
                yield " ".join(kept)
                kept = []
            kept.append(piece)
    if kept:
        yield " ".join(kept)


def lines_of(segments: Iterable[Segment], started_at: int) -> list[str]:
    """``[12:34] Ana: words`` of every segment with words, in the order of the talk."""
    return [
        f"{stamp(max(0, each.start_at - started_at))} {name_of(each.speaker)}: {words}"
        for each in sorted(segments, key=lambda each: each.start_at)
        if (words := plain_line(each.sentence))
    ]


def cut(lines: Sequence[str], room: int) -> list[list[str]]:
    """Lines in parts of at most ``room`` tokens each, with the quotation marks they will get."""
    parts: list[list[str]] = []
    filled = room + 1
    for line in lines:
        head = line[: line.find(": ") + 2] if ": " in line[:120] else ""
        whole = tokens_of("> " + line + "\n") <= room
        bits = [line] if whole else list(_bits(line[len(head) :], room - tokens_of(head) - 8))
        for place, bit in enumerate(bits):
            piece = bit if whole else head + bit
            if not whole and place:
                piece = head + "\u2026 " + bit
            cost = tokens_of("> " + piece + "\n")
            if filled + cost > room:
                parts.append([])
                filled = 0
            parts[-1].append(piece)
            filled += cost
    return parts


def first(
    segments: Iterable[Segment],
    *,
    started_at: int,
    title: str,
    summary_type: str,
    word_limit: int,
    text_format: str,
    context_tokens: int,
) -> Round:
    """The first round. ``context_tokens``: what the model reads at once, its answer included.

    At least :data:`MIN_CONTEXT_TOKENS`; a smaller number counts as that. Raises
    :class:`Unsummarisable` where nobody said a word.
    """
    order = Order(
        title=title, summary_type=summary_type, word_limit=word_limit, text_format=text_format
    )
    # Two tokens a word is generous for the answer.
    answer = 2 * max(word_limit, NOTES_WORDS)
    room = max(context_tokens, MIN_CONTEXT_TOKENS) - SYSTEM_TOKENS - answer
    parts = cut(lines_of(segments, started_at), room)
    if not parts:
        # Asked about nothing, a model makes something up.
        raise Unsummarisable("The transcript has no words.")
    if len(parts) == 1:
        prompts: tuple[Prompt, ...] = (final_prompt(order, parts[0]),)
        return Round(order=order, room=room, stage=Stage.SUMMARY, prompts=prompts)
    prompts = tuple(
        notes_prompt(order, part, place, len(parts)) for place, part in enumerate(parts, 1)
    )
    return Round(order=order, room=room, stage=Stage.NOTES, prompts=prompts)


def _after_notes(asked: Round, answers: Sequence[str]) -> Round:
    notes = [line for answer in answers for line in tidied(answer).splitlines() if line.strip()]
    if not notes:
        raise Unsummarisable("The model answered with empty notes for every part of the meeting.")
    parts = cut(notes, asked.room)
    following = replace(asked, number=asked.number + 1)
    if len(parts) == 1:
        prompts = (combine_prompt(asked.order, parts[0]),)
        return replace(following, stage=Stage.SUMMARY, prompts=prompts)
    if asked.number >= MAX_ROUNDS or len(parts) >= len(asked.prompts) * _GROWTH[asked.number > 1]:
        raise Unsummarisable(
            f"The model's notes do not get shorter: {len(parts)} parts after"
            f" {asked.number} rounds. Another model, or a larger context, may keep to the length."
        )
    return replace(
        following,
        prompts=tuple(
            merge_prompt(asked.order, part, place, len(parts))
            for place, part in enumerate(parts, 1)
        ),
    )


def follow(asked: Round, answers: Sequence[str], model: str) -> Round | Summary:
    """The next round, or the summary. ``answers``: one for each prompt, in their order.

    Raises :class:`Unsummarisable` where the answers hold nothing, or never get short enough.
    """
    if asked.stage is Stage.NOTES:
        return _after_notes(asked, answers)
    text = tidied(answers[0], asked.order.text_format)
    if not any(letter.isalnum() for letter in text):
        raise Unsummarisable("The model's answer has no words.")
    words = count_words(text)
    fits = tokens_of(quoted(text.splitlines())) <= asked.room
    if words > asked.order.word_limit and asked.stage is Stage.SUMMARY and fits:
        prompts = (shorten_prompt(asked.order, text, words),)
        return replace(asked, stage=Stage.SHORTER, prompts=prompts, number=asked.number + 1)
    kept, left_out = fitted(text, asked.order.word_limit)
    return Summary(text=kept, model=model, cut=left_out)
