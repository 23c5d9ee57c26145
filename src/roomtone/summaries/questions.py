"""Questions: those that stayed open, and those that were answered, with their answers."""

from roomtone.summaries import cues
from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.sentences import Sentence

_LONGEST_ANSWER = 14
"""Sentences that are looked at for an answer."""


def _real(sentence: Sentence) -> bool:
    return (
        sentence.asks
        and sentence.words >= 4
        and bool(sentence.terms)
        and not cues.IDLE_QUESTION.search(sentence.plain)
    )


def _no_answer(hearing: Hearing, asked: Sentence) -> Sentence | None:
    """The sentence that says that nobody knows."""
    for reply in hearing.talk.sentences[asked.index + 1 : asked.index + 6]:
        if reply.voice == asked.voice:
            if reply.turn != asked.turn and reply.asks:
                return None
            continue
        if cues.NO_ANSWER.search(reply.plain):
            return reply
        if len(reply.terms) >= 4 and not reply.asks:
            return None
    return None


def _unheard(hearing: Hearing, asked: Sentence) -> bool:
    """Nobody says anything to it: the talk ends, or only sounds follow."""
    following = hearing.talk.sentences[asked.index + 1 : asked.index + 7]
    return not any(reply.words > 3 for reply in following)


def find_open_questions(hearing: Hearing) -> list[Found]:
    """Questions without an answer, and statements that something is not known."""
    found: list[Found] = []
    used: set[int] = set()
    for sentence in hearing.talk.sentences:
        if sentence.index in used:
            continue
        if _real(sentence):
            reply = _no_answer(hearing, sentence)
            if reply is not None:
                used.add(reply.index)
                score = 1.0 + 0.05 * min(len(sentence.terms), 8)
                found.append(Found(lines=(sentence.index, reply.index), score=score))
            elif _unheard(hearing, sentence):
                found.append(Found(lines=(sentence.index,), score=0.8))
        elif cues.STILL_OPEN.search(sentence.plain) and sentence.words >= 5 and sentence.whole:
            if len(sentence.terms) >= 3:
                found.append(Found(lines=(sentence.index,), score=1.0))
            elif not any(index > sentence.index - 6 for index in used):
                before = hearing.earlier(sentence.index)
                if before is not None and before.index not in used:
                    found.append(Found(lines=(before.index, sentence.index), score=0.9))
    return found


def _answer(hearing: Hearing, asked: Sentence, voice: int | None) -> list[Sentence]:
    """The two sentences that answer best, in their order; by ``voice`` if it is given."""
    said: list[Sentence] = []
    for reply in hearing.talk.sentences[asked.index + 1 : asked.index + 1 + _LONGEST_ANSWER]:
        if reply.voice == asked.voice:
            if said and reply.words > 3:
                break
            continue
        if voice is not None and reply.voice != voice:
            break
        if reply.asks and not said:
            break
        said.append(reply)
    solid = [
        reply
        for reply in said
        if reply.whole
        and not reply.asks
        and not cues.SMALL_TALK.search(reply.plain)
        and (reply.words >= 5 or (reply is said[0] and reply.terms))
    ]
    first = solid[:1]
    best = sorted(solid[1:], key=lambda each: -hearing.weight(each))[:1]
    return sorted(first + best, key=lambda each: each.index)


def find_answers(hearing: Hearing, answering: int | None) -> list[Found]:
    """Questions with what was answered; ``answering``: only what this voice was asked."""
    found: list[Found] = []
    for sentence in hearing.talk.sentences:
        if not _real(sentence) or sentence.voice == answering or sentence.words < 5:
            continue
        answers = _answer(hearing, sentence, answering)
        if not answers:
            continue
        weight = max(hearing.weight(each) for each in answers)
        lines = (sentence.index, *(each.index for each in answers))
        found.append(Found(lines=lines, score=0.5 + weight))
    return found
