"""Talks for the tests: the transcripts of tests/data, talks written as lines, very long ones."""

import random
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from roomtone.model.words import Segment, Speaker

TRANSCRIPTS = Path(__file__).parent / "data" / "transcripts"
KINDS_OF_TALK = {
    "daily_standup": "daily_standup",
    "team_meeting": "team_meeting",
    "interview": "interview",
    "sales_call": "sales_call",
    "lecture": "lecture",
}
"""Each transcript with the kind of summary that fits it."""
STARTED_AT = 1_773_133_200_000


def segment(number: int, name: str, words: str, start_s: float, end_s: float) -> Segment:
    """One segment of a talk that began at :data:`STARTED_AT`."""
    return Segment(
        id=f"s{number}",
        speaker=Speaker(display_name=name, user_id=name.lower()),
        sentence=words,
        start_at=STARTED_AT + round(start_s * 1000),
        end_at=STARTED_AT + round(end_s * 1000),
    )


def talk(text: str) -> list[Segment]:
    """``Ana: words`` line by line, at a speaking pace."""
    segments: list[Segment] = []
    clock = 0.0
    for number, line in enumerate(each for each in text.strip().splitlines() if each.strip()):
        name, _, words = line.strip().partition(": ")
        length = 0.4 * len(words.split())
        segments.append(segment(number, name, words, clock, clock + length))
        clock += length + 0.6
    return segments


def recorded(name: str) -> list[Segment]:
    """A transcript of tests/data, in the vendor's JSON form (contract 2.4)."""
    rows = msgspec.json.decode((TRANSCRIPTS / f"{name}.json").read_bytes())
    return [
        Segment(
            id=f"{name}-{number}",
            speaker=Speaker(
                peer_id=row["peerData"]["id"],
                user_id=row["peerData"]["userId"],
                custom_participant_id=row["peerData"]["cpi"],
                display_name=row["peerData"]["displayName"],
            ),
            sentence=row["sentence"],
            start_at=STARTED_AT + row["startTime"],
            end_at=STARTED_AT + row["endTime"],
        )
        for number, row in enumerate(rows)
    ]


def repeated(segments: int, seed: int = 7) -> list[Segment]:
    """A meeting of any length: stretches of the transcripts, shuffled, one after the other."""
    dice = random.Random(seed)
    pools = [recorded(name) for name in KINDS_OF_TALK]
    found: list[Segment] = []
    clock = STARTED_AT
    while len(found) < segments:
        pool = dice.choice(pools)
        begin = dice.randrange(len(pool) - 15)
        for each in pool[begin : begin + 15]:
            # Numbers tell the stretches apart, as a long meeting does not say the same twice.
            words = each.sentence.replace("the", f"the {dice.choice(_THINGS)}", 1)
            length = min(each.end_at - each.start_at, 3_000)
            found.append(
                replace(
                    each, id=f"r{len(found)}", sentence=words, start_at=clock, end_at=clock + length
                )
            )
            clock += length + 200
    return found[:segments]


_THINGS = tuple(
    f"{kind} {number}" for kind in ("order", "room", "draft", "case") for number in range(40)
)


def said(segments: Iterable[Segment]) -> int:
    """How many words a talk has."""
    return sum(len(each.sentence.split()) for each in segments)
