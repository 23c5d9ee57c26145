"""A summary invents nothing, keeps its limit, and a prompt leaves nothing out."""

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roomtone.model.words import Segment
from roomtone.summaries import Summary, summarise
from roomtone.summaries.chunks import Round, Unsummarisable, first, tokens_of
from roomtone.summaries.kinds import SUMMARY_TYPES
from roomtone.summaries.sentences import plain_line
from spoken import KINDS_OF_TALK, STARTED_AT, recorded, segment

MAY_GO = {
    *("um", "umm", "uh", "uhh", "uhm", "er", "erm", "hm", "hmm", "mm", "mmm", "mhm", "ah", "ahh"),
    *("eh", "oh", "so", "and", "okay", "ok", "yeah", "yep", "alright", "anyway", "well", "right"),
    *("now", "look", "hey", "actually", "yes", "you", "know", "i", "mean", "like"),
}
"""The fillers and openers of English, written down here again."""
FILLERS_ELSEWHERE = {"äh", "euh", "ehm"}
NEVER_GOES = re.compile(r"n't$|^(?:no|not|never|nobody|nothing|none|without)$|\d")
OTHERS = """
Wir müssen das Angebot bis Freitag verschicken, sonst ist der Kunde weg.
Äh, ich glaube, dass der Aufzug erst im Juni wieder geht.
हमें शुक्रवार तक रिपोर्ट भेजनी है। क्या सब तैयार हैं?
Нам нужно отправить отчёт до пятницы. Кто это сделает?
Πρέπει να στείλουμε την αναφορά μέχρι την Παρασκευή; Ναι.
Il faut envoyer le rapport avant vendredi, euh, c'est important.
Vi måste skicka rapporten före fredag.
我们需要在星期五之前把报告发出去。谁来做这件事？
# heading <script>alert(1)</script> [link](javascript:x) **bold**
""".strip().splitlines()
POOL = [each.sentence for name in KINDS_OF_TALK for each in recorded(name)] + OTHERS
NAMES = ("Ana", "Bob Stone", "Bob Reed", "# Eve", "Prof. Ingrid Solheim", "", "D\u202eave\n- x")


@st.composite
def talks(draw: st.DrawFn) -> list[Segment]:
    """Real sentences in any order, from anybody, at any pace; some that are hardly sentences."""
    words = st.one_of(st.sampled_from(POOL), st.text(max_size=60))
    rows = draw(st.lists(st.tuples(st.sampled_from(NAMES), words), max_size=40))
    clock = draw(st.integers(-5, 40_000))
    segments: list[Segment] = []
    for number, (name, text) in enumerate(rows):
        length = draw(st.integers(0, 9))
        segments.append(segment(number, name, text, clock, clock + length))
        clock += length + draw(st.integers(-2, 8))
    return segments


def words_of(text: str) -> list[str]:
    """Words as a reader sees them."""
    edges = string.punctuation + "…–—“”’‘।？。、\u037e"
    plain = (each.replace("’", "'").strip(edges).casefold() for each in text.split())
    return [each for each in plain if each]


def dropped(shown: list[str], spoken: list[str]) -> list[tuple[int, str]] | None:
    """What was left out of ``spoken`` between the first and last word shown; None: no such words.

    The reading with the fewest left out is taken, as a lawyer would.
    """
    best: list[tuple[int, str]] | None = None
    for begin in range(len(spoken)):
        gone: list[tuple[int, str]] = []
        at = 0
        for place in range(begin, len(spoken)):
            if at < len(shown) and spoken[place] == shown[at]:
                at += 1
            elif at and at < len(shown):
                gone.append((place, spoken[place]))
            if at == len(shown):
                break
        if shown and at == len(shown) and (best is None or len(gone) < len(best)):
            best = gone
    return best


def made(talk: list[Segment], kind: str, limit: int, text_format: str) -> Summary:
    return summarise(
        talk,
        started_at=STARTED_AT,
        title="The \u202ebudget: *all* of it",
        summary_type=kind,
        word_limit=limit,
        text_format=text_format,
    )


KINDS = st.sampled_from(SUMMARY_TYPES)
LIMITS = st.integers(150, 1_000)
FORMATS = st.sampled_from(["plain_text", "markdown"])


@settings(max_examples=120, deadline=None)
@given(talks(), KINDS, LIMITS)
def test_every_sentence_of_a_summary_was_said_by_whom_and_when_it_says(talk, kind, limit):
    by_id = {each.id: each for each in talk}

    for section in made(talk, kind, limit, "markdown").sections:
        for quote in (quote for item in section.items for quote in item.quotes):
            sources = [by_id[each] for each in quote.segment_ids]
            assert {
                " ".join(each.speaker.display_name.replace("\u202e", " ").split())
                for each in sources
            } <= {
                quote.speaker,
                "",
            }
            assert quote.at_ms == max(0, sources[0].start_at - STARTED_AT)
            spoken = words_of(plain_line(" ".join(each.sentence for each in sources)))
            shown = words_of(quote.text)
            if quote.text.endswith("…") and len(shown) > 1:
                shown = shown[:-1]
            gone = dropped(shown, spoken)
            if gone is None:
                # Scripts without spaces are cut within what spaces make a word.
                assert (
                    quote.text.rstrip("….?").casefold()
                    in " ".join(plain_line(each.sentence) for each in sources).casefold()
                ), (quote, sources)
                continue
            for place, word in gone:
                again = spoken[max(0, place - 8) : place] + spoken[place + 1 : place + 9]
                assert word in MAY_GO or word in again or word in FILLERS_ELSEWHERE, (
                    quote,
                    sources,
                )
                assert not NEVER_GOES.search(word) or word in again, (quote, sources)


@settings(max_examples=120, deadline=None)
@given(talks(), KINDS, LIMITS, FORMATS)
def test_a_summary_keeps_its_word_limit(talk, kind, limit, text_format):
    summary = made(talk, kind, limit, text_format)

    assert len(summary.text.split()) <= limit
    assert summary.text.endswith("\n")


@settings(max_examples=40, deadline=None)
@given(talks(), KINDS, st.randoms(use_true_random=False))
def test_segments_may_come_in_any_order(talk, kind, dice):
    # Those that begin at the same moment have no order but the one they came in.
    apart = [
        each for n, each in enumerate(talk) if each.start_at not in {t.start_at for t in talk[:n]}
    ]
    shuffled = list(apart)
    dice.shuffle(shuffled)

    assert made(shuffled, kind, 500, "markdown") == made(apart, kind, 500, "markdown")


@settings(max_examples=60, deadline=None)
@given(talks(), KINDS)
def test_no_spoken_words_become_markup(talk, kind):
    text = made(talk, kind, 1_000, "markdown").text

    for line in text.splitlines():
        assert not re.search(r"(?<!\\)<", line)
        assert not re.search(r"(?<!\\)\]\(", line)
        assert not line.startswith("# ")
    assert "\u202e" not in text


@settings(max_examples=60, deadline=None)
@given(talks(), KINDS, st.integers(4_000, 6_000), st.integers(150, 1_000))
@example([segment(0, "Ana", "word " * 30_000, 0, 9)], "general", 4_000, 1_000)
@example([segment(0, "Ana", "x" * 90_000, 0, 9)], "general", 4_000, 1_000)
def test_every_word_stands_in_one_prompt_and_each_prompt_fits(talk, kind, context, limit):
    ordered = sorted(talk, key=lambda each: each.start_at)
    expected = "".join("".join(plain_line(each.sentence).split()) for each in ordered)

    def ask() -> Round:
        return first(
            talk,
            started_at=STARTED_AT,
            title="Budget",
            summary_type=kind,
            word_limit=limit,
            text_format="markdown",
            context_tokens=context,
        )

    if not expected:
        with pytest.raises(Unsummarisable, match="no words"):
            ask()
        return
    asked = ask()

    told = "".join("".join(body_of(prompt.user)) for prompt in asked.prompts)
    assert told == expected
    for prompt in asked.prompts:
        assert tokens_of(prompt.system + prompt.user) + 2 * limit <= context


def body_of(user: str) -> list[str]:
    """The spoken words between the fences, without times and names."""
    lines = user.splitlines()
    fence = lines[-1]
    opened = lines.index(fence)
    assert lines.count(fence) == 2
    assert opened < len(lines) - 1
    inside = lines[opened + 1 : -1]
    assert all(line.startswith("> ") for line in inside if line != ">")
    words = (
        re.sub(r"^> \[[\d:]+\] [^:]*: (?:… )?", "", line) for line in inside if line.strip("> ")
    )
    return ["".join(each.split()) for each in words]
