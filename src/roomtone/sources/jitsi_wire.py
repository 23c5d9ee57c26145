"""Messages of Jitsi Meet's rtcstats client, protocol 3.1: ``{statsSessionId, type, data}``.

``data`` of an identity is a row, that of a stats-entry the same as JSON in JSON; rows end with the
client's clock and a sequence number, by which the client knows what it has to send again. Clients
of 2022 and before (9.5.0) say 3.1 as well, but number nothing, send nothing again, do not wait.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from roomtone.model.errors import BadRequest
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.sources.faults import MALFORMED
from roomtone.sources.rtcstats.rows import LATEST_MS, NAMED, Row, method_of

SERVERS = ("_JVB", "_JICOFO", "_JIGASI")
"""How the protocols of Jitsi's servers end, each with a version of its own (``3.0_JVB``,
``1.0_JICOFO``); those of browsers end in ``_STANDARD`` or ``_LEGACY``."""
_OLD_TYPES = frozenset({"ssrc", "VideoBwe"})
ROWS = frozenset({"identity", "stats-entry"})
INITIAL, RECEIVED = "initial", "received"
MAX_SN = 2**53


class Message(Struct, frozen=True):
    """What a client said: a row, or a bare ``kind`` (``keepalive``, ``close``). ``sn``: 0 of a row
    without a number."""

    kind: str
    row: Row | None = None
    sn: int = 0
    session: str = ""


class _Message(Struct):
    type: str
    session: str = field(default="", name="statsSessionId")
    data: Raw = Raw(b"")


_DECODER = msgspec.json.Decoder(_Message)
_TEXT = msgspec.json.Decoder(str)
_LOOSE = msgspec.json.Decoder()


def is_server(protocol: str) -> bool:
    """Whether a subprotocol is of JVB, Jicofo or Jigasi, whatever its version."""
    return protocol.upper().endswith(SERVERS)


def is_old_report(row: Row) -> bool:
    """Whether it is, or begins, a report of Chrome's getStats() before the W3C's, as ``_LEGACY``
    clients send it. Other browsers send today's under that name, too."""
    if row.method != NAMED or not isinstance(row.value, dict):
        return False
    kinds = (stat.get("type") for stat in row.value.values() if isinstance(stat, dict))
    return any(
        isinstance(kind, str) and (kind in _OLD_TYPES or kind.startswith("goog")) for kind in kinds
    )


def decode_message(text: str, *, numbered: bool = True) -> Message:
    """A message, in protocol 3.1's envelope. ``numbered``: whether rows end with a number. Raises
    BadRequest."""
    try:
        said = _DECODER.decode(text)
        session = said.session[:MAX_ID_CHARS]
        if said.type not in ROWS:
            return Message(said.type[:MAX_ID_CHARS], session=session)
        raw = bytes(said.data)
        data = _LOOSE.decode(_TEXT.decode(raw) if raw[:1] == b'"' else raw)
    except MALFORMED as error:
        raise BadRequest(f"The message is not of protocol 3.1: {error}.") from None
    if not isinstance(data, list) or len(data) < (4 if numbered else 3):
        raise BadRequest("The message's data is not [method, connection, value, …, time, number].")
    sn = _number(data.pop(), MAX_SN) if numbered else 0
    return Message(said.type, _row(data), sn, session)


def _row(data: list[Any]) -> Row:
    """``[method, connection, value, …, time]``; without a connection and a value too."""
    t = _number(data.pop(), LATEST_MS)
    method = method_of(data[0])
    pc, value = (data[1], data[2]) if len(data) > 2 else (None, None)
    if not isinstance(pc, str | None):
        raise BadRequest("A row's second member is a connection's name or null.")
    return Row(method, pc[:MAX_ID_CHARS] if pc else None, value, t)


def _number(said: Any, most: int) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= most:
        raise BadRequest("The message's data does not end with its time and its number.")
    return said


def acknowledgement(sn: int, state: str) -> str:
    """What tells the client that everything up to ``sn`` is kept."""
    body = {"type": "sn", "body": {"value": sn, "state": state}}
    return msgspec.json.encode(body).decode()
