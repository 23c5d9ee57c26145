"""Merging: what was heard of one message or one segment, as a value that any order makes the same.

Batches are sent again, pages close before their last one, several people report the same message:
so every report is merged by what it says, never by when it came. A deletion stands for ever; an
edit stands above the adding, and the later one above the earlier; pins go by their own time.
"""

import msgspec
from msgspec.structs import replace

from roomtone.formats.segments import estimated_ms
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment

ADD, EDIT, PUT, DELETE, PIN, UNPIN = "add", "edit", "put", "delete", "pin", "unpin"

_encode = msgspec.json.Encoder(order="deterministic").encode


def merged_message(kept: KeptMessage, action: str, t: int, message: Message | None) -> KeptMessage:
    """``kept`` and one more report. ``message``: the content, for ADD, EDIT and PUT."""
    if action == DELETE:
        return replace(kept, deleted=True)
    if action in (PIN, UNPIN):
        return _pin(kept, t, action == PIN)
    if message is None:
        return kept
    rank = 0 if action == ADD and not message.is_edited else 1
    if action == EDIT:
        message = replace(message, is_edited=True)
    if action == PUT:
        kept = _pin(kept, t, message.pinned)
    elif message.pinned:
        kept = _pin(kept, t, True)
    message = replace(message, pinned=False, deleted=False)
    if kept.message is None or (rank, t, _encode(message)) > (
        kept.rank,
        kept.content_t,
        _encode(kept.message),
    ):
        kept = replace(kept, message=message, rank=rank, content_t=t)
    return kept


def _pin(kept: KeptMessage, t: int, pinned: bool) -> KeptMessage:
    if (t, pinned) <= (kept.pinned_t, kept.pinned):
        return kept
    return replace(kept, pinned=pinned, pinned_t=t)


def shown_message(kept: KeptMessage) -> Message | None:
    """The message as it stands; None while there is nothing to show, or nothing any more."""
    if kept.message is None or kept.deleted:
        return None
    return replace(kept.message, pinned=kept.pinned)


def merged_partial(kept: KeptSegment, at: int) -> KeptSegment:
    """``kept`` and a partial transcript of that time."""
    if kept.partial_at is not None and kept.partial_at <= at:
        return kept
    return _retimed(replace(kept, partial_at=at))


def merged_segment(kept: KeptSegment, t: int, segment: Segment, *, timed: bool) -> KeptSegment:
    """``kept`` and its final. ``timed``: the segment says when it started; else the first partial
    does, or it is estimated from the length."""
    before = kept.segment
    if before is not None and (timed, t, _encode(segment)) <= (
        kept.timed,
        kept.content_t,
        # What was estimated must not decide: compare as it came.
        _encode(before if kept.timed else _untimed(before)),
    ):
        return kept
    return _retimed(replace(kept, segment=segment, timed=timed, content_t=t))


def _untimed(segment: Segment) -> Segment:
    return replace(segment, start_at=segment.end_at)


def _retimed(kept: KeptSegment) -> KeptSegment:
    segment = kept.segment
    if segment is None or kept.timed:
        return kept
    start = segment.end_at - estimated_ms(segment.sentence)
    if kept.partial_at is not None and kept.partial_at <= segment.end_at:
        start = kept.partial_at
    return replace(kept, segment=replace(segment, start_at=max(0, start)))
