"""The nine kinds of summary (contract 2.5), and the sections of each."""

import re
from collections.abc import Callable

from msgspec import Struct

from roomtone.summaries import cue_sections as listen
from roomtone.summaries.actions import find_actions
from roomtone.summaries.cued import (
    candidate,
    find_assessments,
    find_cued,
    find_definitions,
    find_requests,
    sides,
)
from roomtone.summaries.decisions import find_decisions
from roomtone.summaries.hearing import Found, Hearing
from roomtone.summaries.questions import find_answers, find_open_questions
from roomtone.summaries.standup import find_reports

Finder = Callable[[Hearing], list[Found]]

OVERVIEW = "Meeting Summary"
POINTS = "Key Discussion Points"
ACTIONS = "Action Items"
DECISIONS = "Decisions Made"
"""The four headings of the vendor's sample."""
OPEN = "Open Questions"


class Part(Struct, frozen=True):
    """A section: its heading, what finds it, how much room it deserves, the most it may have."""

    heading: str
    find: Finder
    weight: float
    most: int
    fade: float = 0.3
    unique: bool = True
    """Whether what sounds alike is said once: not so for tasks of several people."""


class Kind(Struct, frozen=True):
    """A kind of summary. Parts stand in the order of reading; ``points``: where the points go."""

    parts: tuple[Part, ...]
    first_claim: tuple[str, ...]
    """Headings that take a sentence before others do, in this order."""
    points_weight: float = 1.5
    overview: int = 4
    """Sentences of the opening, at most."""
    overview_first: bool = False
    """Whether the opening chooses before the sections do."""


_ACTIONS = Part(ACTIONS, find_actions, 3.4, 20, 0.06, unique=False)
_DECISIONS = Part(DECISIONS, find_decisions, 3.4, 12, 0.06)
_OPEN = Part(OPEN, find_open_questions, 2.6, 10, 0.15)
_VENDOR = (_ACTIONS, _DECISIONS, _OPEN)
_CLAIMS = (ACTIONS, DECISIONS, OPEN)


def _verdicts(hearing: Hearing) -> list[Found]:
    outright = find_cued(hearing, listen.VERDICT)
    seen = {found.lines[0] for found in outright}
    return outright + [each for each in find_decisions(hearing) if each.lines[0] not in seen]


def _audience(hearing: Hearing) -> list[Found]:
    words = hearing.talk.spoken_words
    lecturer = max(range(len(words)), key=lambda voice: words[voice], default=None)
    return find_answers(hearing, lecturer)


def _cued(heading: str, pattern: re.Pattern[str], weight: float = 2.2, most: int = 8) -> Part:
    return Part(heading, lambda hearing: find_cued(hearing, pattern), weight, most)


def _buyers(heading: str, pattern: re.Pattern[str], most: int = 8) -> Part:
    """What only those say who are not selling."""
    return Part(heading, lambda hearing: find_cued(hearing, pattern, sides(hearing)), 2.2, most)


def _report(heading: str, kind: str) -> Part:
    return Part(heading, lambda hearing: find_reports(hearing, kind), 3.3, 16, 0.1)


def _kind(*own: Part, claims: tuple[str, ...] = _CLAIMS, **more: float) -> Kind:
    """The vendor's sections, with ``own`` ones before them; cues claim after promises do."""
    rest = tuple(part.heading for part in own if part.heading not in claims)
    return Kind(
        parts=(*own, *_VENDOR),
        first_claim=(*claims, *rest),
        points_weight=more.get("points", 1.5),
        overview=int(more.get("overview", 4)),
        overview_first=bool(more.get("overview_first", False)),
    )


_NEXT = "Next Steps"
_CHANGES = "Requested Changes"
_REVIEW = Part(DECISIONS, _verdicts, 3.0, 8, 0.06)

KINDS: dict[str, Kind] = {
    "general": _kind(points=2.0),
    "team_meeting": _kind(_cued("Risks and Concerns", listen.WORRY, 2.4, 6)),
    "sales_call": _kind(
        _buyers("Needs", listen.NEED),
        _buyers("Objections", listen.OBJECTION),
        _cued("Price and Terms", listen.MONEY, 2.0, 6),
        _cued(_NEXT, listen.NEXT_STEP, 2.4, 5),
        claims=(_NEXT, ACTIONS, DECISIONS, OPEN, "Needs", "Objections"),
        points=0.9,
        overview=3,
    ),
    "client_check_in": _kind(
        _buyers("What Works", listen.PRAISE, 6),
        _buyers("Concerns", listen.COMPLAINT),
        Part("Requests", lambda hearing: find_requests(hearing, listen.WISH), 2.0, 6),
        _cued(_NEXT, listen.NEXT_STEP, 2.0, 5),
        points=1.0,
    ),
    "interview": _kind(
        Part("Candidate's Answers", lambda h: find_answers(h, candidate(h)), 2.2, 16),
        Part("Assessments", find_assessments, 2.8, 10),
        claims=(ACTIONS, "Assessments", OPEN, DECISIONS, "Candidate's Answers"),
        points=0.5,
        overview=3,
    ),
    "daily_standup": _kind(
        _report("Done", "done"),
        _report("Doing", "doing"),
        _report("Blockers", "blocked"),
        claims=("Blockers", "Doing", "Done", ACTIONS, DECISIONS, OPEN),
        points=0.8,
        overview=2,
    ),
    "one_on_one_meeting": _kind(
        _cued("Feedback", listen.FEEDBACK, 2.2, 6),
        _cued("Goals and Growth", listen.GROWTH, 2.2, 6),
        _cued("Workload and Wellbeing", listen.WELLBEING, 2.2, 6),
        points=1.0,
    ),
    "lecture": _kind(
        _cued("Topics", listen.OUTLINE, 2.2, 10),
        Part("Definitions", lambda h: find_definitions(h, listen.DEFINITION), 2.4, 10, 0.2),
        Part("Questions from the Audience", _audience, 1.6, 8),
        claims=("Definitions", ACTIONS, "Topics", OPEN, "Questions from the Audience", DECISIONS),
        points=1.4,
        overview_first=True,
    ),
    "code_review": Kind(
        parts=(
            _cued("Findings", listen.FINDING, 2.6, 12),
            Part(_CHANGES, lambda hearing: find_requests(hearing, listen.CHANGE), 2.8, 12),
            _ACTIONS,
            _REVIEW,
            _OPEN,
        ),
        first_claim=(_CHANGES, ACTIONS, DECISIONS, OPEN, "Findings"),
        points_weight=1.0,
    ),
}
SUMMARY_TYPES = tuple(KINDS)
GENERAL = "general"
