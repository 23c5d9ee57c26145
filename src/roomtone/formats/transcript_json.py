"""The transcript as the vendor's JSON (contract 2.4).

An array of ``{startTime, endTime (ms since the session's start), sentence, peerData: {id, userId,
displayName, cpi, joinedAt, leftAt}}``. Read as well: the same under ``segments``, as the API takes
it; an optional ``id``; members that are missing or null.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field

from roomtone.formats.encodings import Encoded
from roomtone.formats.json_text import MALFORMED, decode, every_fault, is_object
from roomtone.formats.notebook import Notebook
from roomtone.formats.pieces import pieces
from roomtone.formats.segments import NO_END, Draft
from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.limits import MAX_TRANSCRIPT_MS
from roomtone.model.times import iso
from roomtone.model.words import Segment, Speaker

Stays = Callable[[str], tuple[int | None, int | None]]
"""A peer's id → when it joined and when it left, epoch ms; None for what is not known."""

Milliseconds = Annotated[float, Meta(ge=0, le=MAX_TRANSCRIPT_MS)]


class _Peer(Struct):
    id: str | None = None
    user_id: str | None = field(default=None, name="userId")
    display_name: str | None = field(default=None, name="displayName")
    cpi: str | None = None


class _Item(Struct):
    start: Milliseconds = field(name="startTime")
    sentence: str
    end: Annotated[float, Meta(le=MAX_TRANSCRIPT_MS)] | None = field(default=None, name="endTime")
    peer: _Peer | None = field(default=None, name="peerData")
    id: str | None = None


class _Wrapped(Struct):
    segments: list[Raw]


_ITEM = msgspec.json.Decoder(_Item)
_ITEMS = msgspec.json.Decoder(list[Raw])
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_NOBODY = _Peer()


def transcript_json(
    segments: Iterable[Segment],
    *,
    started_at: int,
    stays: Stays | None = None,
    with_ids: bool = False,
) -> Iterator[bytes]:
    """The file in pieces, an item a line.

    ``started_at``: the session's, epoch ms; earlier segments start at 0. ``with_ids``: add each
    segment's ``id``, which the vendor's form has not, so that reading it back knows them again.
    """
    return pieces(_array(_item(segment, started_at, stays, with_ids) for segment in segments))


def _array(items: Iterable[str]) -> Iterator[str]:
    before = "[\n"
    for item in items:
        yield before
        yield item
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _item(segment: Segment, started_at: int, stays: Stays | None, with_ids: bool) -> str:
    who = segment.speaker
    joined_at, left_at = stays(who.peer_id) if stays else (None, None)
    start = max(0, segment.start_at - started_at)
    item: dict[str, Any] = {"id": segment.id} if with_ids else {}
    item |= {
        "startTime": start,
        "endTime": max(start, segment.end_at - started_at),
        "sentence": segment.sentence,
        "peerData": {
            "id": who.peer_id,
            "userId": who.user_id,
            "displayName": who.display_name,
            "cpi": who.custom_participant_id,
            "joinedAt": "" if joined_at is None else iso(joined_at),
            "leftAt": "" if left_at is None else iso(left_at),
        },
    }
    return msgspec.json.encode(item).decode()


def json_drafts(file: Encoded, started_at: int, notebook: Notebook) -> Iterator[Draft]:
    """The items one by one, so that only their bytes are held; faults name the item: ``[3]``.

    Raises BadRequest for what is not JSON, Invalid for JSON that is no list of segments.
    """
    for number, raw in enumerate(_items(file.utf8(), notebook)):
        draft = _draft(f"[{number}]", raw, started_at, notebook)
        if draft:
            yield draft


def _items(data: bytes, notebook: Notebook) -> list[Raw]:
    try:
        if is_object(data):
            return decode(_WRAPPED, data, notebook).segments
        return decode(_ITEMS, data, notebook)
    except msgspec.ValidationError as error:
        wanted = "a list of segments, or an object with such a list in segments"
        raise Invalid(f"The JSON is not {wanted}.", (Fault("", str(error)),)) from None
    except MALFORMED as error:
        raise BadRequest(f"The file is not JSON: {error}.") from None


def _draft(where: str, raw: Raw, started_at: int, notebook: Notebook) -> Draft | None:
    try:
        item = _ITEM.decode(raw)
    except MALFORMED:
        every_fault(raw, _Item, where, notebook)
        return None
    if item.end is None:
        notebook.note(NO_END, where)
    peer = item.peer or _NOBODY
    speaker = Speaker(
        peer_id=peer.id or "",
        user_id=peer.user_id or "",
        custom_participant_id=peer.cpi or "",
        display_name=peer.display_name or "",
    )
    return Draft(
        where=where,
        start_at=started_at + round(item.start),
        end_at=None if item.end is None else started_at + round(item.end),
        sentence=item.sentence,
        speaker=speaker,
        id=item.id or "",
    )
