"""Sightings: what one delivery of a server or platform tells, gathered by peer into arrivals."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.facts import AnyFact, Happened, ServerSaw, Sighting
from roomtone.model.inlets import Arrival
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.model.times import parse_iso
from roomtone.sources.faults import MALFORMED
from roomtone.sources.metadata import metadata_of

T = TypeVar("T")
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""
SECONDS_BELOW = 100_000_000_000
"""Epoch times below it are seconds (the year 5138), from it on milliseconds (1973)."""


class Whose(Struct, frozen=True, kw_only=True):
    """The room, and unless something is of the room as a whole the person and the peer."""

    room: str
    person: str = ""
    peer: str = ""
    name: str = ""
    title: str = ""
    parent: str = ""


class Sightings:
    """Gathers the facts of one delivery. ``delivery`` names it: a repeated one has no effect."""

    def __init__(self, source: str, delivery: str | bytes, *, mask: bool = True) -> None:
        self._source = source
        said = delivery if isinstance(delivery, bytes) else delivery.encode(errors="replace")
        self._key = f"{source}:{blake2b(said, digest_size=16).hexdigest()}"
        self._mask = mask
        self._whose: dict[tuple[str, str, str], Whose] = {}
        self._facts: dict[tuple[str, str, str], list[AnyFact]] = {}

    def add(self, whose: Whose, *facts: AnyFact) -> None:
        """Facts of a peer, or of a room."""
        place = whose.room, whose.person, whose.peer
        known = self._whose.setdefault(place, whose)
        if whose.name and not known.name:
            self._whose[place] = whose
        self._facts.setdefault(place, []).extend(facts)

    def saw(self, whose: Whose, what: Sighting, t: int, same_as: Iterable[str] = ()) -> None:
        """The server saw it come, go, or send."""
        ids = tuple(sorted({one[:MAX_ID_CHARS] for one in same_as if one}))
        self.add(whose, ServerSaw(t=t, source=self._source, what=what, same_as=ids))

    def happened(self, whose: Whose, t: int, name: str, metadata: Any = None) -> None:
        """Anything else that it told: an event by its name, ``<source>_<name>``."""
        event = f"{self._source}_{name}"[:MAX_NAME_CHARS]
        self.add(whose, Happened(t=t, name=event, metadata=self._small(metadata)))

    def arrivals(self) -> list[Arrival]:
        """One for each peer and each room."""
        return [
            Arrival(
                room=whose.room,
                person=whose.person,
                peer=whose.peer,
                key=self._key,
                facts=tuple(self._facts[place]),
                room_title=whose.title[:MAX_NAME_CHARS],
                display_name=whose.name[:MAX_NAME_CHARS],
                parent_room=whose.parent,
            )
            for place, whose in self._whose.items()
        ]

    def _small(self, metadata: Any) -> dict[str, Any] | None:
        if not metadata:
            return None
        try:
            return metadata_of(Raw(msgspec.json.encode(metadata)), mask=self._mask)
        except Invalid:
            return {"truncated": True}


def decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """A JSON body. Raises BadRequest for what is no JSON, Invalid for what does not fit."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `$")
        where = path.rstrip("`").lstrip(".")
        raise Invalid("It does not fit this source.", (Fault(where, why),)) from None
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None


def epoch_ms(value: float | str | None, unit_ms: int = 1) -> int | None:
    """A time as servers write it, a number or its digits in a string, in units of ``unit_ms``.

    0 and "" stand for none (protobuf leaves them out). Raises Invalid for what is no time.
    """
    if value is None or value == "":
        return None
    try:
        t = int(value) if isinstance(value, str) else value
    except ValueError:
        raise _no_time(value) from None
    if t == 0:
        return None
    if not 0 < t <= LATEST_MS // unit_ms:
        raise _no_time(value)
    return int(t * unit_ms)


def moment_ms(value: float | str | None) -> int | None:
    """ISO 8601, or an epoch time in seconds or milliseconds, told apart by their size."""
    if not isinstance(value, str):
        seconds = value is not None and abs(value) < SECONDS_BELOW
        return epoch_ms(value, 1_000 if seconds else 1)
    if not value:
        return None
    try:
        t = parse_iso(value)
    except (ValueError, OverflowError):
        raise _no_time(value) from None
    return epoch_ms(t)


def _no_time(value: object) -> Invalid:
    return Invalid("It does not fit this source.", (Fault("", f"{str(value)[:40]!r} is no time"),))


def missing(where: str) -> Invalid:
    """What to raise for a member that is needed."""
    return Invalid("It does not fit this source.", (Fault(where, "missing"),))
