"""Reading SRT and VTT, as tolerantly as their meaning allows.

Taken as meant: any line ends, indices that are missing or jump, ``.`` for ``,`` and the other way
round, times without hours, a missing blank line between cues, blank lines inside an SRT cue, cue
ids and settings, NOTE, STYLE and REGION blocks, tags. Mended with a note: a cue that ends before
it starts or says no end. Faults: a start that is no time, a cue without times.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from roomtone.formats.cue_text import said_in_srt, said_in_vtt
from roomtone.formats.encodings import Encoded
from roomtone.formats.notebook import Notebook
from roomtone.formats.segments import NO_END, NO_WORDS, RAW_FACTOR, Draft
from roomtone.model.limits import MAX_SENTENCE_CHARS, MAX_TRANSCRIPT_MS
from roomtone.model.words import Speaker

ARROW = "-->"
NOT_CUES = ("NOTE", "STYLE", "REGION")
BLANK_INSIDE = "has a blank line inside; what follows it was taken as its text"
LONE_NUMBER = "a number on its own; left out"
OUTSIDE = "text outside of cues; left out"
NO_HEADER = "The file does not begin with WEBVTT; it was read as if it did."

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?"
_TIMING = re.compile(rf"\s*(?:{_TIME})?\s*-->\s*(?:{_TIME})?(?=\s|$)(.*)")
TIME_CHARACTERS = frozenset("0123456789:., \t")
LINE_CHARS = 200
"""How much of a line is looked at for times; two times and the spaces that people put there."""
_EDGE = " \t\n\ufeff\u200e\u200f\u202a\u202c"
"""Around an index; some editors leave marks there."""

Said = Callable[[str], Iterator[tuple[str, str]]]


class _Cue(Struct):
    line: int
    start_ms: int
    end_ms: int | None
    readable: bool
    texts: list[str] = field(default_factory=list)
    length: int = 0


def srt_drafts(file: Encoded, started_at: int, notebook: Notebook) -> Iterator[Draft]:
    """The cues of an SRT; faults and notes name the line."""
    return _drafts(
        _Reader(notebook, vtt=False).cues(file.lines()), said_in_srt, started_at, notebook
    )


def vtt_drafts(file: Encoded, started_at: int, notebook: Notebook) -> Iterator[Draft]:
    """The cues of a VTT; faults and notes name the line."""
    return _drafts(
        _Reader(notebook, vtt=True).cues(file.lines()), said_in_vtt, started_at, notebook
    )


def _drafts(
    cues: Iterable[_Cue], said: Said, started_at: int, notebook: Notebook
) -> Iterator[Draft]:
    for cue in cues:
        where = f"line {cue.line}"
        if cue.end_ms is None:
            notebook.note(NO_END, where)
        for name, sentence in said("\n".join(cue.texts)):
            yield Draft(
                where=where,
                start_at=started_at + cue.start_ms,
                end_at=None if cue.end_ms is None else started_at + cue.end_ms,
                sentence=sentence,
                speaker=Speaker(display_name=name),
            )


class _Reader:
    """Lines to cues. A cue is held until the next begins: SRT text may follow a blank line."""

    def __init__(self, notebook: Notebook, *, vtt: bool) -> None:
        self._notebook = notebook
        self._vtt = vtt
        self._cue: _Cue | None = None
        self._in_text = False
        self._block: list[tuple[int, str]] = []
        """Lines since the last blank one that belong to no cue yet."""

    def cues(self, lines: Iterable[str]) -> Iterator[_Cue]:
        """Every cue whose start could be read."""
        numbered: Iterator[tuple[int, str]] = enumerate(lines, 1)
        if self._vtt:
            numbered = self._after_header(numbered)
        for number, line in numbered:
            if not line.strip():
                self._blank()
            elif self._is_timing(line):
                self._let_go_of_index()
                yield from self._finished()
                self._cue = self._begun(number, line)
                self._in_text = True
            elif self._in_text:
                self._add(line)
            else:
                self._block.append((number, line))
        self._orphans()
        yield from self._finished()

    def _after_header(self, numbered: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """VTT's header ends with a blank line, or with the first times (W3C WebVTT, 6.1)."""
        header = None
        for number, line in numbered:
            if header is None:
                header = line.startswith("WEBVTT")
                if not header:
                    self._notebook.note(NO_HEADER)
            if header and line.strip() and ARROW not in line:
                continue
            header = False
            yield number, line

    def _is_timing(self, line: str) -> bool:
        if ARROW not in line:
            return False
        if self._vtt or has_times(line):
            return True
        # In SRT an arrow may be text; not where times must stand.
        return not self._in_text and (not self._block or is_index(self._block[-1][1]))

    def _blank(self) -> None:
        if self._in_text:
            # SRT only: an empty first line is not yet the cue's end.
            self._in_text = not self._vtt and self._cue is not None and not self._cue.texts
        else:
            self._orphans()

    def _let_go_of_index(self) -> None:
        """The line before times is a cue's index (SRT) or id (VTT), not text."""
        if self._in_text and self._cue and self._cue.texts and is_index(self._cue.texts[-1]):
            self._cue.texts.pop()
        if self._block and (self._vtt or is_index(self._block[-1][1])):
            self._block.pop()
        self._orphans()

    def _orphans(self) -> None:
        """What stood between two blank lines and had no times."""
        block, self._block = self._block, []
        if not block:
            return
        number, first = block[0]
        where = f"line {number}"
        if self._vtt:
            if not first.startswith(NOT_CUES):
                self._notebook.note(OUTSIDE, where)
        elif is_index(first):
            if len(block) > 1:
                self._notebook.fault(where, f"cue {first.strip(_EDGE)} has no times")
            else:
                self._notebook.note(LONE_NUMBER, where)
        elif self._cue is None:
            self._notebook.fault(where, "text before the first times")
        else:
            self._notebook.note(BLANK_INSIDE, f"line {self._cue.line}")
            for _, line in block:
                self._add(line)

    def _begun(self, number: int, line: str) -> _Cue:
        found = _TIMING.match(line.strip()[:LINE_CHARS])
        groups = found.groups() if found else (None,) * 9
        start_ms, end_ms = _ms(groups[0:4]), _ms(groups[4:8])
        end_missing = groups[5] is None
        readable = start_ms is not None and (end_missing or end_ms is not None)
        if not readable:
            self._notebook.fault(f"line {number}", f"not the times of a cue: {line.strip()[:60]!r}")
        return _Cue(number, start_ms or 0, end_ms, readable)

    def _add(self, line: str) -> None:
        cue = self._cue
        if cue is None:
            return
        cue.length += len(line)
        if cue.length <= RAW_FACTOR * MAX_SENTENCE_CHARS:
            cue.texts.append(line.rstrip("\n"))
        elif cue.readable:
            cue.readable = False
            self._notebook.fault(f"line {cue.line}", "the text of this cue is far too long")

    def _finished(self) -> Iterator[_Cue]:
        cue, self._cue = self._cue, None
        if cue is None or not cue.readable:
            return
        if cue.texts:
            yield cue
        else:
            self._notebook.note(NO_WORDS, f"line {cue.line}")


def has_times(line: str) -> bool:
    """Whether a line has an arrow, and before it what looks like a time and nothing else."""
    before, arrow, _ = line.partition(ARROW)
    return bool(arrow) and any(map(str.isdigit, before)) and TIME_CHARACTERS.issuperset(before)


def is_index(line: str) -> bool:
    """Whether a line is a number and nothing else."""
    bare = line.strip(_EDGE)
    return bare.isascii() and bare.isdigit()


def _ms(parts: tuple[str | None, ...]) -> int | None:
    """Hours, minutes, seconds, fraction as ms; None if there is no such time."""
    hours, minutes, seconds, fraction = parts
    if minutes is None or seconds is None or int(minutes) > 59 or int(seconds) > 59:
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    ms = whole * 1000 + int((fraction or "").ljust(3, "0")[:3])
    return ms if ms <= MAX_TRANSCRIPT_MS else None
