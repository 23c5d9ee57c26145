"""Writes the examples in docs/summaries.md; ``--check`` only says whether they are current.

The prose there is written by hand. Between ``<!-- made from NAME -->`` and ``<!-- end -->`` stand
the summary and the transcript of ``tests/data/transcripts/NAME.json``.
"""
# ruff: noqa: T201 - this talks to the person who runs it

import re
import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from roomtone.model.words import Segment, Speaker  # noqa: E402 - the path comes first
from roomtone.summaries import summarise  # noqa: E402
from roomtone.summaries.writing import stamp  # noqa: E402

DOCUMENT = ROOT / "docs" / "summaries.md"
TRANSCRIPTS = ROOT / "tests" / "data" / "transcripts"
STARTED_AT = 1_773_133_200_000
WORD_LIMIT = 500
TALKS = {
    "daily_standup": "Payments team stand-up",
    "team_meeting": "Summer exhibition planning",
    "interview": "Interview: support team lead",
    "sales_call": "Handheld scanners for Kowalczyk Bakeries",
    "lecture": "Introduction to oceanography 4: tides",
}
"""Each is named after the kind of summary that it shows."""
_MADE = re.compile(r"(<!-- made from (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _segments(name: str) -> list[Segment]:
    rows = msgspec.json.decode((TRANSCRIPTS / f"{name}.json").read_bytes())
    return [
        Segment(
            id=str(number),
            speaker=Speaker(
                user_id=row["peerData"]["userId"], display_name=row["peerData"]["displayName"]
            ),
            sentence=row["sentence"],
            start_at=STARTED_AT + row["startTime"],
            end_at=STARTED_AT + row["endTime"],
        )
        for number, row in enumerate(rows)
    ]


def _example(name: str) -> str:
    segments = _segments(name)
    summary = summarise(
        segments,
        started_at=STARTED_AT,
        title=TALKS[name],
        summary_type=name,
        word_limit=WORD_LIMIT,
        text_format="markdown",
    )
    quoted = "\n".join(f"> {line}".rstrip() for line in summary.text.splitlines())
    spoken = "\n".join(
        f"{stamp(each.start_at - STARTED_AT)} {each.speaker.display_name}: {each.sentence}"
        for each in segments
    )
    words = sum(len(each.sentence.split()) for each in segments)
    return (
        f"\n{quoted}\n\n<details><summary>The transcript: {len(segments)} segments, {words} words"
        f"</summary>\n\n```text\n{spoken}\n```\n\n</details>\n\n"
    )


def rendered(document: str) -> str:
    """The document with its examples made anew."""
    return _MADE.sub(lambda match: match[1] + _example(match[2]) + match[3], document)


def main() -> int:
    """See the module."""
    document = DOCUMENT.read_text()
    current = rendered(document)
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(current)
        return 0
    if document == current:
        return 0
    print(
        "docs/summaries.md is not what summaries are: run scripts/summaries_doc.py", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
