"""What was written and said, as the vendor's client reports it → facts (contract 2.3, 2.4).

``chat_message`` carries ``{action, message}`` and ``transcript`` a live transcript object. Both
become one fact each and no ``Happened``: what people say belongs to the session's words, not into
the events of a peer's report. A message is kept as it came; :mod:`roomtone.formats` reads it.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct, field

from roomtone.model.errors import Fault, Invalid
from roomtone.model.facts import AnyFact, Chatted, Transcribed
from roomtone.model.limits import (
    MAX_ID_CHARS,
    MAX_MESSAGE_BYTES,
    MAX_NAME_CHARS,
    MAX_SENTENCE_CHARS,
)
from roomtone.model.times import parse_iso
from roomtone.sources.faults import decode_or_refuse

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""

Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
Name = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]


class _Named(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]


class _Chat(Struct):
    action: Literal["add", "edit", "delete", "pin", "unpin"]
    message: _Named


class _AnyChat(Struct):
    message: dict[str, Any]


class _Transcript(Struct, rename="camel"):
    transcript: Annotated[str, Meta(max_length=MAX_SENTENCE_CHARS)]
    id: Id | None = None
    name: Name | None = None
    peer_id: Id | None = None
    user_id: Id | None = None
    custom_participant_id: Id | None = None
    is_partial: bool | None = field(default=None, name="isPartialTranscript")
    timestamp: str | int | float | None = None
    date: str | int | float | None = None
    """Dyte's name for the timestamp."""


_CHAT = msgspec.json.Decoder(_Chat)
_MESSAGE = msgspec.json.Decoder(_AnyChat)
_TRANSCRIPT = msgspec.json.Decoder(_Transcript)


def chat_facts(raw: Raw, t: int) -> list[AnyFact]:
    """The fact of one ``chat_message``. Raises Invalid, its paths beginning at the metadata."""
    _check_size(raw)
    said = decode_or_refuse(_CHAT, raw, _Chat)
    message = decode_or_refuse(_MESSAGE, raw, _AnyChat).message
    return [Chatted(t=t, action=said.action, message=message)]


def transcript_facts(raw: Raw, t: int) -> list[AnyFact]:
    """The fact of one ``transcript``. Raises Invalid, its paths beginning at the metadata."""
    _check_size(raw)
    said = decode_or_refuse(_TRANSCRIPT, raw, _Transcript)
    given = said.date if said.timestamp is None else said.timestamp
    return [
        Transcribed(
            t=t,
            id=said.id or "",
            sentence=said.transcript,
            end_at=t if given is None else _time(given),
            is_partial=bool(said.is_partial),
            peer_id=said.peer_id or "",
            user_id=said.user_id or "",
            custom_participant_id=said.custom_participant_id or "",
            display_name=said.name or "",
        )
    ]


def _check_size(raw: Raw) -> None:
    if len(bytes(raw)) > MAX_MESSAGE_BYTES:
        raise Invalid("words", (Fault("", f"more than {MAX_MESSAGE_BYTES} bytes of JSON"),))


def _time(given: str | float) -> int:
    try:
        at = parse_iso(given) if isinstance(given, str) else int(given // 1)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= LATEST_MS:
        raise Invalid("words", (Fault("timestamp", "neither ISO 8601 nor epoch milliseconds"),))
    return at
