"""Every fault of a value, not just the first.

msgspec stops at the first thing that is wrong. These find the rest: note the fault, take the
offending member out, look again. Only refused input pays for it.
"""

import re
from typing import Any, TypeVar

import msgspec

from roomtone.model.errors import Fault, Invalid

T = TypeVar("T")

MAX_FAULTS = 100
"""A list that a person still reads; past it the list ends with "and more"."""
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for text that is not JSON, not UTF-8, or nested past the stack's limit."""

_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_STAND_INS: dict[str, Any] = {"id": "", "timestamp": 0.0}
"""Put in place of a required member that is wrong, so that the search can go on."""


def every_fault(value: Any, kind: Any, where: str) -> list[Fault]:
    """The faults of JSON-like ``value`` as a ``kind``; paths begin at ``where``. It is changed."""
    faults: list[Fault] = []
    seen: set[str] = set()
    while len(faults) < MAX_FAULTS:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            why, _, rest = str(error).partition(" - at `$")
            path = rest.rstrip("`")
        except RecursionError:
            return [*faults, Fault(where, "nested too deeply")]
        else:
            return faults
        missing = _MISSING.match(why)
        if missing:
            path, why = f"{path}.{missing[1]}", "missing"
        if path not in seen:
            faults.append(Fault((where + path).lstrip("."), why))
        if path in seen or not _take_out(value, path):
            return faults
        seen.add(path)
    return faults


def _take_out(value: Any, path: str) -> bool:
    """Remove the member at ``path``, or put its stand-in there. False where that cannot be done."""
    steps = [name or int(number) for name, number in _STEP.findall(path)]
    if not steps:
        return False
    try:
        for step in steps[:-1]:
            value = value[step]
        last = steps[-1]
        if last in _STAND_INS:
            value[last] = _STAND_INS[last]
        else:
            value.pop(last, None)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def decode_or_refuse(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, kind: Any) -> T:
    """Decode, or raise Invalid with every fault; paths begin at the value itself."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        first = str(error)
    except MALFORMED as error:
        raise Invalid("unreadable", (Fault("", str(error)),)) from None
    try:
        faults = every_fault(msgspec.json.decode(raw), kind, "")
    except MALFORMED as error:
        faults = [Fault("", str(error))]
    raise Invalid("unreadable", tuple(faults) or (Fault("", first),))
