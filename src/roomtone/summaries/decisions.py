"""What was decided: said outright, or proposed and agreed to."""

from roomtone.summaries import cues
from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.sentences import Sentence


def _agreed(hearing: Hearing, index: int) -> int:
    """How many others agree soon after."""
    return len(
        {
            reply.voice
            for reply in hearing.others_after(index, 5)
            if cues.AGREES.match(reply.plain) and not reply.asks
        }
    )


def _lets(sentence: Sentence) -> bool:
    match = cues.LETS.search(sentence.plain)
    return match is not None and match.group("verb") not in cues.NO_DECISION_VERBS


def _score(hearing: Hearing, sentence: Sentence) -> float:
    plain = sentence.plain
    if sentence.words < 4 or not sentence.whole or cues.HYPOTHETICAL.match(plain):
        return 0.0
    agreed = _agreed(hearing, sentence.index)
    if sentence.asks:
        return 0.0
    if cues.DECIDED.search(plain):
        return 1.2 + 0.2 * agreed
    if _lets(sentence):
        return 0.9 + 0.2 * agreed
    if agreed and cues.PROPOSAL.search(plain):
        return 0.6 + 0.2 * agreed
    return 0.0


def find_decisions(hearing: Hearing) -> list[Found]:
    """Decisions, each with the question or proposal that it needs to be understood."""
    found: list[Found] = []
    for sentence in hearing.talk.sentences:
        score = _score(hearing, sentence)
        if not score:
            continue
        lines: tuple[int, ...] = (sentence.index,)
        thin = len(sentence.terms) < 2 or (
            cues.POINTS_BACK.search(sentence.plain) is not None and len(sentence.terms) < 4
        )
        if thin:
            before = hearing.earlier(sentence.index)
            if before is None:
                continue
            lines = (before.index, sentence.index)
        found.append(Found(lines=lines, score=score))
    return found
