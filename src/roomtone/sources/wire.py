"""One decoder for the bodies of both collector doors.

RealtimeKit's own client posts ``{"payload": {"entries": […]}, "peerId": …}``; the collector
protocol is ``{"peer_id": …, "seq": …, "entries": […]}``. Entries are the same in both: ``event``,
``timestamp`` (ISO 8601 or epoch ms) and ``metaData``, which stays raw until its event's own decoder
takes it. A body is taken whole or refused whole, with every fault named; facts keep the order in
which entries came, which means nothing.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field

from roomtone.model.errors import BadRequest, Fault, Invalid, TooLarge
from roomtone.model.facts import AnyFact
from roomtone.model.limits import MAX_ENTRIES, MAX_FUTURE_MS, MAX_NAME_CHARS, MAX_PAST_MS
from roomtone.model.times import iso, parse_iso
from roomtone.sources.decoded import Decoded
from roomtone.sources.events import event_facts
from roomtone.sources.faults import MALFORMED, MAX_FAULTS, every_fault
from roomtone.sources.ids import uuid_or_none
from roomtone.sources.realtimekit import ping_facts
from roomtone.sources.user_agents import engine_of
from roomtone.sources.w3c import stats_fact

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""
DAY_MS = 24 * 3600 * 1000

Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Time = str | int | float
_NONE = Raw(b"")


class _Entry(Struct):
    event: str | None = None
    timestamp: Time | None = None
    meta_data: Raw = field(default=_NONE, name="metaData")
    metadata: Raw = _NONE  # legacy_switch spells it so


class _Payload(Struct):
    entries: list[_Entry] | None = None


class _Body(Struct):
    peer_id: str | None = None
    peer_id_camel: str | None = field(default=None, name="peerId")
    seq: Seq | None = None
    entries: list[_Entry] | None = None
    payload: _Payload | None = None


class _EntryShape(Struct):
    """An entry whose metadata may be anything, for finding faults."""

    event: str | None = None
    timestamp: Time | None = None


class _BodyShape(Struct):
    """A body without its entries, for finding faults."""

    peer_id: str | None = None
    peer_id_camel: str | None = field(default=None, name="peerId")
    seq: Seq | None = None


class _Door(Struct, frozen=True):
    """What holds for every entry of a body."""

    now: int | None
    mask: bool
    engine: str | None


_DECODER = msgspec.json.Decoder(_Body)


def decode_batch(body: bytes, *, now: int | None, mask: bool, user_agent: str | None) -> Decoded:
    """A body as facts.

    ``now``: the server's epoch ms, for refusing absurd times; None (imports) lets every time pass.
    ``mask``: mask addresses. ``user_agent``: of the request; tells the engine behind a ping_stat.
    Raises BadRequest (not JSON), TooLarge (too many entries), Invalid (lists every fault).
    """
    door = _Door(now, mask, engine_of(user_agent))
    try:
        said = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(body, door, str(error)) from None
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    entries = said.entries
    if entries is None and said.payload is not None:
        entries = said.payload.entries
    faults: list[Fault] = []
    peer_id = _peer_id(said.peer_id or said.peer_id_camel, faults)
    if entries is None:
        faults.append(Fault("entries", "missing"))
    facts = _facts(entries or [], door, faults)
    if faults:
        raise _invalid(faults)
    return Decoded(peer_id=peer_id, seq=said.seq, facts=tuple(facts), entries=len(entries or ()))


def _facts(entries: list[_Entry], door: _Door, faults: list[Fault]) -> list[AnyFact]:
    if len(entries) > MAX_ENTRIES:
        raise TooLarge(f"{len(entries)} entries in one body; at most {MAX_ENTRIES} are taken.")
    facts: list[AnyFact] = []
    for number, entry in enumerate(entries):
        try:
            facts += _entry_facts(entry, door)
        except Invalid as refused:
            faults += [
                Fault(_path(f"entries[{number}]", fault.where), fault.why)
                for fault in refused.faults
            ]
            if len(faults) >= MAX_FAULTS:
                break
    return facts


def _path(base: str, rest: str) -> str:
    return base + rest if rest.startswith("[") or not rest else f"{base}.{rest}"


def _entry_facts(entry: _Entry, door: _Door) -> list[AnyFact]:
    faults: list[Fault] = []
    name = entry.event
    if not name or len(name) > MAX_NAME_CHARS:
        faults.append(Fault("event", "missing" if not name else "longer than a name may be"))
    t = _time(entry.timestamp, door.now, faults)
    made: list[AnyFact] = []
    raw = entry.meta_data if entry.meta_data is not _NONE else entry.metadata
    try:
        if name == "stats":
            made = [stats_fact(raw if raw is not _NONE else Raw(b"{}"), t, mask=door.mask)]
        elif name == "ping_stat":
            raw = raw if raw is not _NONE else Raw(b"{}")
            made = [*ping_facts(raw, t, engine=door.engine, mask=door.mask)]
        elif name:
            made = event_facts(name, raw, t, mask=door.mask)
    except Invalid as refused:
        faults += [Fault(_path("metaData", fault.where), fault.why) for fault in refused.faults]
    if faults:
        raise Invalid("entry", tuple(faults))
    return made


def _peer_id(text: str | None, faults: list[Fault]) -> str:
    found = uuid_or_none(text) if text else None
    if found is None:
        faults.append(Fault("peer_id", "not a UUID" if text else "missing"))
    return found or ""


def _time(value: Time | None, now: int | None, faults: list[Fault]) -> int:
    """Epoch ms of an entry's timestamp; 0, and a fault, for one that is wrong."""
    why = ""
    t = 0
    if value is None:
        why = "missing"
    elif isinstance(value, str):
        try:
            t = parse_iso(value)
        except (ValueError, OverflowError):
            why = "neither ISO 8601 nor epoch milliseconds"
    elif abs(value) <= LATEST_MS:
        t = int(value // 1)
    else:
        why = "not a time"
    if not why:
        why = _absurd(t, now)
    if why:
        faults.append(Fault("timestamp", why))
        return 0
    return t


def _absurd(t: int, now: int | None) -> str:
    if not 0 <= t <= LATEST_MS:
        return "not a time between 1970 and 9999"
    if now is None or now - MAX_PAST_MS <= t <= now + MAX_FUTURE_MS:
        return ""
    if t < now:
        return f"{iso(t)} is more than {MAX_PAST_MS // DAY_MS} days ago"
    return f"{iso(t)} is more than {MAX_FUTURE_MS // DAY_MS} day ahead of this server's clock"


def _refusal(body: bytes, door: _Door, first: str) -> Exception:
    """What to raise for a body whose envelope does not fit: read it freely and look everywhere."""
    try:
        value: Any = msgspec.json.decode(body)
    except MALFORMED as error:
        return BadRequest(f"The body is not JSON: {error}.")
    if not isinstance(value, dict):
        return BadRequest("The body is not a JSON object.")
    envelope = {name: value[name] for name in ("peer_id", "peerId", "seq") if name in value}
    faults = every_fault(envelope, _BodyShape, "")
    if not any(fault.where in ("peer_id", "peerId") for fault in faults):
        _peer_id(value.get("peer_id") or value.get("peerId"), faults)
    payload = value.get("payload")
    entries = value.get("entries")
    if entries is None and isinstance(payload, dict):
        entries = payload.get("entries")
    elif payload is not None and not isinstance(payload, dict):
        faults.append(Fault("payload", "not an object"))
    if isinstance(entries, list):
        if len(entries) > MAX_ENTRIES:
            return TooLarge(f"{len(entries)} entries in one body; at most {MAX_ENTRIES} are taken.")
        faults += _entry_faults(entries, door)
    elif payload is None or isinstance(payload, dict):
        faults.append(Fault("entries", "missing" if entries is None else "not a list"))
    return _invalid(faults or [Fault("", first)])


def _entry_faults(entries: list[Any], door: _Door) -> list[Fault]:
    faults: list[Fault] = []
    for number, entry in enumerate(entries):
        where = f"entries[{number}]"
        found = every_fault(entry, _EntryShape, where)
        if not found:
            try:
                _entry_facts(_freely(entry), door)
            except Invalid as refused:
                found = [Fault(_path(where, fault.where), fault.why) for fault in refused.faults]
        faults += found
        if len(faults) >= MAX_FAULTS:
            break
    return faults


def _freely(entry: dict[str, Any]) -> _Entry:
    said = entry.get("metaData", entry.get("metadata"))
    return _Entry(
        event=entry.get("event"),
        timestamp=entry.get("timestamp"),
        meta_data=_NONE if said is None else Raw(msgspec.json.encode(said)),
    )


def _invalid(faults: list[Fault]) -> Invalid:
    if len(faults) >= MAX_FAULTS:
        faults = [*faults[:MAX_FAULTS], Fault("", "and more")]
    what = "one thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return Invalid(f"The batch was not taken: {what} wrong with it.", tuple(faults))
