"""The transcript as CSV (contract 2.4).

Written: Cloudflare's newest form, no header, every field quoted: start in ms since the session's
start, peer id, user id, custom participant id, name, text. Read: that, and Dyte's with the header
``Timestamp, Participant ID, User ID, Custom Participant ID, Participant Name, Transcript`` and
ISO 8601 timestamps; the columns are found by their names, and a file that a spreadsheet saved
with ``;`` or tabs is read too.

The form has no ends: see :func:`roomtone.formats.segments.settled`. What a spreadsheet would run
is made harmless: see :mod:`roomtone.formats.cells`.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from roomtone.formats.cells import as_meant, delimiter_of, harmless, quoted, row, rows
from roomtone.formats.encodings import Encoded
from roomtone.formats.notebook import Notebook
from roomtone.formats.pieces import pieces
from roomtone.formats.segments import NO_ENDS, Draft
from roomtone.model.limits import MAX_TRANSCRIPT_MS
from roomtone.model.times import parse_iso
from roomtone.model.words import Segment, Speaker

COLUMNS = ("time", "peer_id", "user_id", "custom_participant_id", "display_name", "sentence")
DYTE_HEADER = {
    "timestamp": "time",
    "participant id": "peer_id",
    "user id": "user_id",
    "custom participant id": "custom_participant_id",
    "participant name": "display_name",
    "transcript": "sentence",
}
_SPACED = re.compile(r"[,;\t] +\"|(?i:timestamp.*transcript|transcript.*timestamp)")
"""A first line as Dyte writes it, or one with quotes after spaces."""
REJOINED = "has more than six columns; what comes after the fifth was taken for text with commas"


def transcript_csv(segments: Iterable[Segment], *, started_at: int) -> Iterator[bytes]:
    """The file in pieces. ``started_at``: the session's, epoch ms; earlier segments start at 0."""
    return pieces(_row(segment, started_at) for segment in segments)


def _row(segment: Segment, started_at: int) -> str:
    who = segment.speaker
    texts = (
        who.peer_id,
        who.user_id,
        who.custom_participant_id,
        who.display_name,
        segment.sentence,
    )
    start = str(max(0, segment.start_at - started_at))
    return row((start, *(harmless(text) for text in texts)), quoted)


def csv_drafts(file: Encoded, started_at: int, notebook: Notebook) -> Iterator[Draft]:
    """The rows of either form; faults name the line."""
    top = next(file.lines(), "")
    delimiter = delimiter_of(top, len(COLUMNS))
    spaced = _SPACED.search(top) is not None
    records = rows(file.lines(translate=False), notebook, delimiter, spaced=spaced)
    first = next(records, None)
    if first is None:
        return
    columns = _header(first[1])
    if columns is None:
        columns = COLUMNS
        records = chain((first,), records)
    notebook.note(NO_ENDS)
    for number, cells in records:
        draft = _draft(f"line {number}", cells, columns, delimiter, started_at, notebook)
        if draft:
            yield draft


def _header(cells: list[str]) -> tuple[str, ...] | None:
    """The columns that a header names, in the file's order; None if this is no header."""
    names = tuple(DYTE_HEADER.get(cell.strip().lower(), "") for cell in cells)
    return names if {"time", "sentence"} <= set(names) else None


def _draft(
    where: str,
    cells: list[str],
    columns: tuple[str, ...],
    delimiter: str,
    started_at: int,
    notebook: Notebook,
) -> Draft | None:
    wanted = len(columns)
    if len(cells) < wanted:
        notebook.fault(where, f"{len(cells)} columns; {wanted} are needed")
        return None
    if len(cells) > wanted:
        if columns != COLUMNS:
            notebook.fault(where, f"{len(cells)} columns; the header names {wanted}")
            return None
        notebook.note(REJOINED, where)
        cells = [*cells[: wanted - 1], delimiter.join(cells[wanted - 1 :])]
    said = dict(zip(columns, cells, strict=True))
    start_at = _time(said["time"].strip(), started_at)
    if start_at is None:
        notebook.fault(where, f"not a time: {said['time'][:40]!r}")
        return None
    speaker = Speaker(
        peer_id=as_meant(said.get("peer_id", "")),
        user_id=as_meant(said.get("user_id", "")),
        custom_participant_id=as_meant(said.get("custom_participant_id", "")),
        display_name=as_meant(said.get("display_name", "")),
    )
    sentence = as_meant(said["sentence"])
    return Draft(where=where, start_at=start_at, end_at=None, sentence=sentence, speaker=speaker)


def _time(text: str, started_at: int) -> int | None:
    """Milliseconds since the start, or ISO 8601; as epoch ms."""
    try:
        offset = float(text)
    except ValueError:
        pass
    else:
        return started_at + round(offset) if 0 <= offset <= MAX_TRANSCRIPT_MS else None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        return None
