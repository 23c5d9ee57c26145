"""Transcripts as subtitles: SubRip (SRT) and WebVTT, written.

Cues read ``Alice: Hello everyone`` (contract 2.4, 10); :mod:`roomtone.formats.cue_text` says how
a text that looks like something else survives. What neither format can carry: ids, names longer
than 64 characters, times before the session's start (shown as 0), no duration at all (1 ms).
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from roomtone.formats.cue_text import srt_text, vtt_text
from roomtone.formats.pieces import pieces
from roomtone.model.words import Segment

MS_PER_HOUR = 3_600_000


def srt(segments: Iterable[Segment], *, started_at: int) -> Iterator[bytes]:
    """The SRT in pieces. ``started_at``: the session's, epoch ms."""
    return pieces(
        f"{number}\n{_timing(segment, started_at, ',')}\n"
        f"{srt_text(segment.speaker.display_name, segment.sentence)}\n\n"
        for number, segment in enumerate(segments, 1)
    )


def vtt(segments: Iterable[Segment], *, started_at: int) -> Iterator[bytes]:
    """The VTT in pieces. ``started_at``: the session's, epoch ms."""
    cues = (
        f"{_timing(segment, started_at, '.')}\n"
        f"{vtt_text(segment.speaker.display_name, segment.sentence)}\n\n"
        for segment in segments
    )
    return pieces(chain(("WEBVTT\n\n",), cues))


def _timing(segment: Segment, started_at: int, point: str) -> str:
    start_ms = max(0, segment.start_at - started_at)
    end_ms = max(start_ms + 1, segment.end_at - started_at)
    return f"{_clock(start_ms, point)} --> {_clock(end_ms, point)}"


def _clock(ms: int, point: str) -> str:
    hours, rest = divmod(ms, MS_PER_HOUR)
    minutes, rest = divmod(rest, 60_000)
    seconds, rest = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"
