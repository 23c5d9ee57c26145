"""Any transcript file to segments: the one door of uploads, requests and ``roomtone import``.

The file is gone through twice: once to find every fault, which refuses it whole, and again
whenever its segments are taken. Only its bytes are held, however many segments there are.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
from msgspec import Raw, Struct

from roomtone.formats.cues import has_times, is_index, srt_drafts, vtt_drafts
from roomtone.formats.encodings import Encoded, encoded, gathered
from roomtone.formats.jigasi import jigasi_drafts
from roomtone.formats.json_text import MALFORMED, decode
from roomtone.formats.notebook import Notebook
from roomtone.formats.segments import Draft, settled
from roomtone.formats.transcript_csv import csv_drafts
from roomtone.formats.transcript_json import json_drafts
from roomtone.model.errors import Invalid
from roomtone.model.words import Segment

CSV, JIGASI, JSON, SRT, VTT = "CSV", "JIGASI", "JSON", "SRT", "VTT"
READ_FORMATS = (CSV, JIGASI, JSON, SRT, VTT)
NAMES = {
    CSV: "The CSV",
    JIGASI: "The Jigasi transcript",
    JSON: "The JSON",
    SRT: "The SRT",
    VTT: "The VTT",
}
FORMATS_BY_TYPE = {
    "text/csv": CSV,
    "text/vtt": VTT,
    "application/x-subrip": SRT,
    "text/srt": SRT,
    "text/x-srt": SRT,
}
"""By media type. JSON is not here: whether it is the vendor's or Jigasi's, its content says."""
NOTHING = "There are no words in the file."


class _Top(Struct):
    """The members that tell whose JSON it is, unread."""

    events: Raw = Raw(b"")
    segments: Raw = Raw(b"")


_TOP = msgspec.json.Decoder(_Top)


class Words:
    """The segments of a file, read anew each time that they are gone through."""

    def __init__(self, drafts: Callable[[Notebook], Iterator[Draft]], count: int) -> None:
        self._drafts = drafts
        self._count = count

    def __iter__(self) -> Iterator[Segment]:
        notebook = Notebook()
        return settled(self._drafts(notebook), notebook)

    def __len__(self) -> int:
        return self._count


class ReadTranscript(Struct, frozen=True):
    """A transcript that can be taken whole: its format, its segments, what was mended in it."""

    format: str
    segments: Words
    notes: tuple[str, ...]


def read_transcript(
    data: bytes | Iterable[bytes],
    format: str | None,  # noqa: A002 - the API's own word
    started_at: int,
) -> ReadTranscript:
    """A file in one of READ_FORMATS; ``format`` None: told from what is in it.

    ``started_at``: the session's, epoch ms; a file's own times count from it, unless they are of
    the clock on the wall (Dyte's CSV, Jigasi). Segments keep the file's order. Ids are the file's,
    or made from time, speaker and sentence: reading twice gives the same.

    Raises BadRequest (empty, not text, not JSON), TooLarge, Invalid (every fault).
    """
    file = encoded(gathered(data))
    told = format.upper() if format else format_of(file)
    if told not in READ_FORMATS:
        known = ", ".join(READ_FORMATS)
        raise Invalid(f"There is no format {told[:40]!r}; there are {known}.")
    drafts = _drafts(file, told, started_at)
    notebook = Notebook()
    count = sum(1 for _ in settled(drafts(notebook), notebook))
    notebook.refuse_if_faulty(NAMES[told])
    notes = notebook.notes()
    if file.note:
        notes = (file.note, *notes)
    if not count:
        notes += (NOTHING,)
    return ReadTranscript(told, Words(drafts, count), notes)


def format_by_type(content_type: str | None) -> str | None:
    """The format that a Content-Type names; None where only the content tells."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return FORMATS_BY_TYPE.get(media_type)


def format_of(file: Encoded) -> str:
    """Which format a file is in, from how it begins. Raises Invalid if nobody could tell."""
    head = file.head().lstrip("\ufeff \t\r\n")
    if head.startswith("WEBVTT"):
        return VTT
    if head.startswith("["):
        return JSON
    if head.startswith("{"):
        return _whose(file.utf8())
    first, second, *more = (*(line for line in head.split("\n") if line.strip()), "", "")
    if any(map(has_times, (first, second, *more))) or (is_index(first) and "-->" in second):
        return SRT
    first = first.strip().lstrip('"').lower()
    if first.startswith("timestamp") or re.match(r"\d[^,;\t]*[,;\t]", first):
        return CSV
    known = ", ".join(READ_FORMATS)
    raise Invalid(f"This is none of the formats {known}, as far as its beginning shows.")


def _whose(data: bytes) -> str:
    try:
        top = decode(_TOP, data)
    except MALFORMED:
        return JSON  # whose reader says what is wrong
    return JIGASI if bytes(top.events) and not bytes(top.segments) else JSON


def _drafts(file: Encoded, told: str, started_at: int) -> Callable[[Notebook], Iterator[Draft]]:
    if told == JIGASI:
        return partial(jigasi_drafts, file)
    readers = {CSV: csv_drafts, JSON: json_drafts, SRT: srt_drafts, VTT: vtt_drafts}
    return partial(readers[told], file, started_at)
