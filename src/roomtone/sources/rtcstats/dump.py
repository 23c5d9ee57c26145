"""RTCStatsDump files, versions 3 and 4: a line that says so, a line of metadata, a row a line.

Written by rtcstats' server, by its client for an upload, and by Chrome itself, which numbers a
page's connections ``<page>-<connection>``: a file of two pages is a file of two people.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from roomtone.model.errors import BadRequest
from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, inflated
from roomtone.sources.rtcstats.gathering import recorded_peer
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.rows import Row, Timeline, row_of

MAGIC = b"RTCStatsDump"
VERSIONS = (3, 4)
_LOOSE = msgspec.json.Decoder()


def decode_recording(data: bytes, *, mask: bool = True) -> list[RecordedPeer]:
    """The peers of a dump, plain or gzip. Raises Refused.

    A last line that was cut off, as a crash of the writer leaves it, is passed over and noted.
    """
    lines = inflated(data).split(b"\n")
    if lines[0].strip() != MAGIC:
        raise BadRequest("Not an RTCStatsDump: its first line says something else.")
    metadata = _metadata(lines[1] if len(lines) > 1 else b"")
    rows, notes = _rows(lines[2:])
    if not rows:
        raise BadRequest("The RTCStatsDump holds no rows.")
    peers = []
    pages = _pages(rows)
    for page, of_page in pages.items():
        label = f"page {page}" if page else "rtcstats"
        peer = recorded_peer(
            Reader("import", mask=mask),
            of_page,
            label,
            user_agent=_text(metadata.get("userAgent")) or None,
            notes=notes,
        )
        if peer is not None:
            peers.append(peer)
    claims = metadata.get("rtcStats")
    claims = claims if isinstance(claims, dict) else {}
    room, person = _text(claims.get("conference")), _text(claims.get("user"))
    if len(peers) == 1 and (room or person):
        return [replace(peers[0], room=room, person=person, label=person or peers[0].label)]
    return peers


def _metadata(line: bytes) -> dict[str, Any]:
    try:
        said = _LOOSE.decode(line)
    except MALFORMED as error:
        raise BadRequest(f"The second line of the RTCStatsDump is not JSON: {error}.") from None
    if not isinstance(said, dict):
        raise BadRequest("The second line of the RTCStatsDump is no JSON object.")
    version = said.get("fileFormat")
    if version not in VERSIONS or isinstance(version, bool):
        known = " and ".join(map(str, VERSIONS))
        raise BadRequest(f"RTCStatsDump of version {version!r:.20}; known are {known}.")
    return said


def _rows(lines: list[bytes]) -> tuple[list[Row], tuple[str, ...]]:
    timeline = Timeline()
    rows: list[Row] = []
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            rows.append(row_of(_LOOSE.decode(line), timeline))
        except MALFORMED as error:
            if number == last and rows:
                return rows, ("the last line was cut off",)
            raise BadRequest(f"Line {number + 3} is not JSON: {error}.") from None
        except BadRequest as refused:
            raise BadRequest(f"Line {number + 3}: {refused.message}") from None
    return rows, ()


def _pages(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows by page; what belongs to no page in particular belongs to each."""
    pages: dict[str, list[Row]] = {}
    for row in rows:
        if row.pc is not None:
            pages.setdefault(page_of(row.pc), [])
    pages = pages or {"": []}
    for row in rows:
        for page in [page_of(row.pc)] if row.pc is not None else pages:
            pages[page].append(row)
    return pages


def page_of(pc: str) -> str:
    """Chrome's number of the page that made a connection; "" for every other writer's names."""
    page, dash, number = pc.rpartition("-")
    return page if dash and page.isdecimal() and number.isdecimal() else ""


def _text(value: Any) -> str:
    return value[:MAX_NAME_CHARS] if isinstance(value, str) else ""
