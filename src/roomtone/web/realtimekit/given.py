"""JSON bodies, checked against a shape with every fault listed.

msgspec stops at the first fault, so each field is converted on its own. Unknown fields are passed
over; fields that were not given are not in the result. Nested objects are checked and kept as
given.
"""

import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from roomtone.model.errors import BadRequest, Fault, Invalid

_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_PLACE = re.compile(r" - at `\$(.*)`$")


def read_given(raw: bytes, shape: type[Struct]) -> dict[str, Any]:
    """The given fields of a body. No body at all is an empty object, as SDKs send it (contract 0).

    Raises BadRequest for what is not JSON, Invalid with all faults for what does not fit.
    """
    try:
        content = msgspec.json.decode(raw) if raw.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise BadRequest("The body nests too deeply.") from None
    if not isinstance(content, dict):
        raise Invalid("The body is not valid.", (Fault("", "must be an object"),))
    faults: list[Fault] = []
    given = _fields(content, shape, "", faults)
    if faults:
        raise Invalid("The body is not valid.", tuple(faults))
    return given


def _fields(
    content: dict[str, Any], shape: type[Struct], where: str, faults: list[Fault]
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for field in fields(shape):
        pointer = f"{where}/{field.encode_name}"
        if field.encode_name not in content:
            if field.default is NODEFAULT and field.default_factory is NODEFAULT:
                faults.append(Fault(pointer, "is required"))
            continue
        given[field.name] = _value(content[field.encode_name], field, pointer, faults)
    return given


def _value(value: Any, field: FieldInfo, pointer: str, faults: list[Fault]) -> Any:
    nested = _nested(field.type)
    if nested is not None and isinstance(value, dict):
        _fields(value, nested, pointer, faults)
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 60.0 is how a Python float of the vendor's SDK arrives
    try:
        return msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        faults.append(_fault(str(error), field.type, pointer))
        return None


def _nested(kind: Any) -> type[Struct] | None:
    for part in _parts(kind):
        if isinstance(part, type) and issubclass(part, Struct):
            return part
    return None


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _fault(message: str, kind: Any, pointer: str) -> Fault:
    """msgspec's words in ours."""
    place = _PLACE.search(message)
    if place:
        message = message[: place.start()]
        pointer += re.sub(r"[.\[\]]+", "/", place.group(1)).rstrip("/")
    if message.startswith("Invalid enum value"):
        words = [
            word for part in _parts(kind) if get_origin(part) is Literal for word in get_args(part)
        ]
        return Fault(pointer, f"must be one of {', '.join(words)}")
    wanted, _, got = message.removeprefix("Expected ").partition(", got ")
    why = f"must be {_plain(wanted)}"
    return Fault(pointer, f"{why}, not {_plain(got)}" if got else why)


def _plain(words: str) -> str:
    kinds, found = words, re.match(r"`([^`]*)`", words)
    if found:
        names = [_KINDS.get(name, name) for name in found.group(1).split(" | ")]
        kinds = " or ".join(names) + words[found.end() :]
    return kinds
