"""Chat messages as the vendor's web client has them (contract 2.3), to and from ours.

``{id, type, userId, displayName, time, timeMs?, isEdited?, pinned?, targetUserIds?, …}`` with
``message`` (text), ``link`` (image), ``name, size, link`` (file), or whatever a custom message or
poll holds. The envelope becomes the message's own members, the rest its payload, letter for
letter. Read as well, so that a server can say who speaks: ``peerId``, ``customParticipantId``.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from roomtone.formats.encodings import encoded, gathered
from roomtone.formats.json_text import MALFORMED, decode, every_fault, is_object
from roomtone.formats.notebook import Notebook
from roomtone.formats.segments import LATEST_MS, content_id
from roomtone.formats.spoken import clean_name, clean_text
from roomtone.model.errors import BadRequest, Fault, Invalid, TooLarge
from roomtone.model.limits import (
    MAX_ID_CHARS,
    MAX_MESSAGE_BYTES,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_WORDS_FILE_BYTES,
)
from roomtone.model.times import iso, parse_iso
from roomtone.model.words import FILE, IMAGE, MESSAGE_TYPES, TEXT, Message, Speaker

FIRST_MS = 100_000_000_000
"""A number below is seconds, above ms: as ms it is March 1973, as seconds the year 5138."""
NEEDED = {TEXT: ("message",), IMAGE: ("link",), FILE: ("name", "link")}

Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]


class _Object(Struct):
    """The envelope; what else an object holds is its payload."""

    id: Id | None = None
    type: str | None = None
    user_id: Id | None = field(default=None, name="userId")
    peer_id: Id | None = field(default=None, name="peerId")
    custom_participant_id: Id | None = field(default=None, name="customParticipantId")
    display_name: str | None = field(default=None, name="displayName")
    time: str | float | None = None
    time_ms: float | None = field(default=None, name="timeMs")
    is_edited: bool | None = field(default=None, name="isEdited")
    pinned: bool | None = None
    target_user_ids: list[Id] | None = field(default=None, name="targetUserIds")


class _Wrapped(Struct):
    messages: list[Raw] | UnsetType = UNSET


class ReadMessages(Struct, frozen=True):
    """Messages of a request, in its order, and what was mended in them."""

    messages: tuple[Message, ...]
    notes: tuple[str, ...]


ENVELOPE = frozenset(each.encode_name for each in msgspec.structs.fields(_Object))
_OBJECT = msgspec.json.Decoder(_Object)
_PAYLOAD = msgspec.json.Decoder(dict[str, Any])
_LIST = msgspec.json.Decoder(list[Raw])
_BODY = msgspec.json.Decoder(_Wrapped)


def read_messages(data: bytes | Iterable[bytes]) -> ReadMessages:
    """``{"messages": […]}`` or the list itself. Every message or none.

    Raises BadRequest (not JSON), TooLarge, Invalid (lists every fault: ``messages[3].time``).
    """
    body = encoded(gathered(data, MAX_WORDS_FILE_BYTES)).utf8()
    notebook = Notebook()
    listed: list[Raw] | UnsetType
    try:
        if is_object(body):
            listed = decode(_BODY, body, notebook).messages
        else:
            listed = decode(_LIST, body, notebook)
    except msgspec.ValidationError as error:
        raise Invalid("This is not a list of messages.", (Fault("", str(error)),)) from None
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if isinstance(listed, UnsetType):
        raise Invalid("There are no messages.", (Fault("messages", "missing"),))
    if len(listed) > MAX_MESSAGES:
        raise TooLarge(f"{len(listed)} messages at once; at most {MAX_MESSAGES} are taken.")
    read = (_message(raw, f"messages[{at}]", notebook) for at, raw in enumerate(listed))
    messages = tuple(message for message in read if message)
    notebook.refuse_if_faulty("The list of messages")
    return ReadMessages(messages, notebook.notes())


def read_message(raw: bytes | Raw, where: str = "message") -> tuple[Message, tuple[str, ...]]:
    """One message object, with the notes on it. Raises Invalid with every fault."""
    notebook = Notebook()
    message = _message(Raw(raw), where, notebook)
    notebook.refuse_if_faulty("The message")
    if message is None:
        raise Invalid("The message cannot be read.", (Fault(where, "unreadable"),))
    return message, notebook.notes()


def message_object(message: Message) -> dict[str, Any]:
    """A message as the vendor's client has it; members that are unset there are left out."""
    who = message.speaker
    said: dict[str, Any] = {
        "id": message.id,
        "type": message.type,
        "userId": who.user_id,
        "displayName": who.display_name,
        "time": iso(message.sent_at),
        "timeMs": message.sent_at,
        "isEdited": message.is_edited,
        "pinned": message.pinned,
    }
    if message.target_user_ids:
        said["targetUserIds"] = list(message.target_user_ids)
    if who.peer_id:
        said["peerId"] = who.peer_id
    if who.custom_participant_id:
        said["customParticipantId"] = who.custom_participant_id
    return said | message.payload


def _message(raw: Raw, where: str, notebook: Notebook) -> Message | None:
    before = notebook.fault_count
    try:
        said, payload = _OBJECT.decode(raw), _PAYLOAD.decode(raw)
    except MALFORMED:
        every_fault(raw, _Object, where, notebook)
        return None
    payload = {name: value for name, value in payload.items() if name not in ENVELOPE}
    kind = said.type or TEXT
    sent_at = _sent_at(said)
    name, done = clean_name(said.display_name or "")
    notebook.note_all((f"name: {each}" for each in done), where)
    if len(raw) > MAX_MESSAGE_BYTES:
        notebook.fault(where, f"{len(raw)} bytes; at most {MAX_MESSAGE_BYTES} are taken")
    if len(name) > MAX_NAME_CHARS:
        notebook.fault(f"{where}.displayName", f"longer than {MAX_NAME_CHARS} characters")
    if kind not in MESSAGE_TYPES:
        notebook.fault(f"{where}.type", f"{kind[:40]!r} is none of {', '.join(MESSAGE_TYPES)}")
    if sent_at is None:
        notebook.fault(f"{where}.time", "missing, or not a time")
    for needed in NEEDED.get(kind, ()):
        if not isinstance(payload.get(needed), str):
            notebook.fault(f"{where}.{needed}", f"a {kind} message needs it, as a string")
    if notebook.fault_count > before or sent_at is None:
        return None
    if kind == TEXT:
        payload["message"], done = clean_text(payload["message"])
        notebook.note_all((f"text: {each}" for each in done), where)
    who = Speaker(
        peer_id=said.peer_id or "",
        user_id=said.user_id or "",
        custom_participant_id=said.custom_participant_id or "",
        display_name=name,
    )
    return Message(
        id=said.id or content_id(sent_at, who, f"{kind}\x00{_canonical(payload)}"),
        speaker=who,
        type=kind,
        payload=payload,
        target_user_ids=tuple(said.target_user_ids or ()),
        sent_at=sent_at,
        is_edited=bool(said.is_edited),
        pinned=bool(said.pinned),
    )


def _canonical(payload: dict[str, Any]) -> str:
    return msgspec.json.encode(payload, order="deterministic").decode()


def _sent_at(said: _Object) -> int | None:
    """``timeMs``, or ``time`` as ISO 8601, epoch ms or epoch seconds; as epoch ms."""
    try:
        if said.time_ms is not None:
            at = round(said.time_ms)
        elif isinstance(said.time, str):
            at = parse_iso(said.time)
        elif said.time is not None:
            at = round(said.time if said.time >= FIRST_MS else said.time * 1000)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at <= LATEST_MS else None
