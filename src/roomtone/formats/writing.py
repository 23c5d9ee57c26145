"""The formats that a transcript is handed out in (contract 1.6), by their names."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from roomtone.formats.subtitles import srt, vtt
from roomtone.formats.transcript_csv import transcript_csv
from roomtone.formats.transcript_json import Stays, transcript_json
from roomtone.model.words import Segment


class Kind(Struct, frozen=True):
    """What a file is called and served as."""

    extension: str
    content_type: str


CHAT_KIND = Kind("csv", "text/csv; charset=utf-8; header=present")
TRANSCRIPT_KINDS = {
    "CSV": Kind("csv", "text/csv; charset=utf-8; header=absent"),
    "JSON": Kind("json", "application/json"),
    "SRT": Kind("srt", "application/x-subrip; charset=utf-8"),
    "VTT": Kind("vtt", "text/vtt; charset=utf-8"),
}


def write_transcript(
    format: str,  # noqa: A002 - the API's own word
    segments: Iterable[Segment],
    *,
    started_at: int,
    stays: Stays | None = None,
) -> Iterator[bytes]:
    """A transcript in one of TRANSCRIPT_KINDS, in pieces; segments should come in order of time.

    ``started_at``: the session's, epoch ms. ``stays``: when peers joined and left, for JSON.
    """
    if format == "JSON":
        return transcript_json(segments, started_at=started_at, stays=stays)
    return {"CSV": transcript_csv, "SRT": srt, "VTT": vtt}[format](segments, started_at=started_at)
