"""The chat of a session as CSV (contract 2.3 and 10).

The vendor's header, RFC 4180 with CR LF, UTF-8 without a byte order mark, ``true`` and ``false``,
ISO 8601 with ms and ``Z``. A text message's payload is its text, any other's the JSON of what was
sent. Deleted messages are left out; private ones are in, since this is the whole record for the
app's owner (the form has no column that says whom they were for). ``participantId`` is the
sender's peer id, or the user id where no peer is known.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from roomtone.formats.cells import as_meant, harmless, quoted_if_needed, row, rows
from roomtone.formats.encodings import Encoded, encoded, gathered
from roomtone.formats.json_text import MALFORMED
from roomtone.formats.messages import ReadMessages
from roomtone.formats.notebook import Notebook
from roomtone.formats.pieces import pieces
from roomtone.formats.segments import LATEST_MS, content_id
from roomtone.formats.spoken import clean_name, clean_text
from roomtone.model.errors import Fault, Invalid, TooLarge
from roomtone.model.limits import MAX_MESSAGES
from roomtone.model.times import iso, parse_iso
from roomtone.model.words import CUSTOM, FILE, IMAGE, POLL, TEXT, Message, Speaker

HEADER = (
    "id", "participantId", "sessionId", "meetingId", "displayName", "pinned", "isEdited",
    "payloadType", "payload", "createdAt",
)  # fmt: skip
PAYLOAD_TYPES = {
    TEXT: "TEXT_MESSAGE",
    IMAGE: "IMAGE_MESSAGE",
    FILE: "FILE_MESSAGE",
    # The vendor names three; these continue its pattern.
    CUSTOM: "CUSTOM_MESSAGE",
    POLL: "POLL_MESSAGE",
}
TYPES = {name: kind for kind, name in PAYLOAD_TYPES.items()}
TRUTHS = {"true": True, "false": False}


def chat_csv(messages: Iterable[Message], *, session_id: str, meeting_id: str) -> Iterator[bytes]:
    """The file in pieces, in the order of ``messages``."""
    lines = (_row(message, session_id, meeting_id) for message in messages if not message.deleted)
    return pieces(chain((row(HEADER, str),), lines))


def _row(message: Message, session_id: str, meeting_id: str) -> str:
    who = message.speaker
    if message.type == TEXT:
        payload = str(message.payload.get("message", ""))
    else:
        payload = msgspec.json.encode(message.payload).decode()
    cells = (
        message.id,
        who.peer_id or who.user_id,
        session_id,
        meeting_id,
        who.display_name,
        "true" if message.pinned else "false",
        "true" if message.is_edited else "false",
        PAYLOAD_TYPES.get(message.type, PAYLOAD_TYPES[CUSTOM]),
        payload,
        iso(message.sent_at),
    )
    return row((harmless(cell) for cell in cells), quoted_if_needed)


def read_chat_csv(data: bytes | Iterable[bytes]) -> ReadMessages:
    """A chat file, read back: ours or the vendor's. The columns are found by their names.

    ``participantId`` does not say which id it is: it is taken for both. Raises BadRequest,
    TooLarge, Invalid (every fault, by line).
    """
    file = encoded(gathered(data))
    notebook = Notebook()
    messages = tuple(_messages(file, notebook))
    notebook.refuse_if_faulty("The chat CSV")
    notes = notebook.notes()
    return ReadMessages(messages, (file.note, *notes) if file.note else notes)


def _messages(file: Encoded, notebook: Notebook) -> Iterator[Message]:
    records = rows(file.lines(translate=False), notebook)
    _, header = next(records, (0, []))
    columns = [cell.strip() for cell in header]
    missing = tuple(Fault(name, "no such column") for name in HEADER if name not in columns)
    if missing:
        raise Invalid("The chat CSV has not the columns of one.", missing)
    for count, (number, cells) in enumerate(records, 1):
        if count > MAX_MESSAGES:
            raise TooLarge(f"More than {MAX_MESSAGES} messages in one file; split it.")
        if len(cells) != len(columns):
            notebook.fault(f"line {number}", f"{len(cells)} columns; {len(columns)} are needed")
            continue
        said = dict(zip(columns, map(as_meant, cells), strict=True))
        message = _message(said, f"line {number}", notebook)
        if message:
            yield message


def _message(said: dict[str, str], where: str, notebook: Notebook) -> Message | None:
    before = notebook.fault_count
    kind = TYPES.get(said["payloadType"])
    if kind is None:
        notebook.fault(f"{where}, payloadType", f"{said['payloadType'][:40]!r} is not known")
    pinned, is_edited = TRUTHS.get(said["pinned"].lower()), TRUTHS.get(said["isEdited"].lower())
    if pinned is None or is_edited is None:
        notebook.fault(f"{where}, pinned, isEdited", "neither true nor false")
    sent_at = _time(said["createdAt"])
    if sent_at is None:
        notebook.fault(f"{where}, createdAt", f"not a time: {said['createdAt'][:40]!r}")
    text, done = clean_text(said["payload"]) if kind == TEXT else (said["payload"], ())
    try:
        payload = {"message": text} if kind == TEXT else msgspec.json.decode(text, type=dict)
    except MALFORMED as error:
        notebook.fault(f"{where}, payload", f"not a JSON object: {error}")
    if notebook.fault_count > before or kind is None or sent_at is None:
        return None
    name, done_to_name = clean_name(said["displayName"])
    notebook.note_all((f"text: {each}" for each in done), where)
    notebook.note_all((f"name: {each}" for each in done_to_name), where)
    sender = said["participantId"]
    who = Speaker(peer_id=sender, user_id=sender, display_name=name)
    return Message(
        id=said["id"] or content_id(sent_at, who, f"{kind}\x00{said['payload']}"),
        speaker=who,
        type=kind,
        payload=payload,
        sent_at=sent_at,
        is_edited=bool(is_edited),
        pinned=bool(pinned),
    )


def _time(text: str) -> int | None:
    try:
        at = parse_iso(text.strip())
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at <= LATEST_MS else None
