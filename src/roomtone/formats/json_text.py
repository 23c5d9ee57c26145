"""JSON as others write it: half characters mended, every fault found.

JavaScript cuts strings between the halves of an emoji and writes the half as ``\\ud83d``, which is
no character (RFC 8259, section 8.2); msgspec refuses the whole text for it. And msgspec stops at
the first fault of an object; :func:`every_fault` goes on.
"""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from roomtone.formats.notebook import Notebook

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for what is not JSON, not UTF-8, nested too deeply, or of other types."""


HALF_CHARACTER = "half a character, as JavaScript cuts them, replaced by U+FFFD"

T = TypeVar("T")

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Every escape, so that an escaped backslash is not taken for the beginning of one; the group is a
half on its own."""
_OBJECT = re.compile(rb"\s*\{")


def decode(decoder: msgspec.json.Decoder[T], data: bytes, notebook: Notebook | None = None) -> T:
    """As ``decoder.decode``, also where halves of characters stand. Raises one of MALFORMED."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        whole = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], data)
        if whole == data:
            raise
    value = decoder.decode(whole)
    if notebook is not None:
        notebook.note(HALF_CHARACTER)
    return value


def is_object(data: bytes) -> bool:
    """Whether JSON is an object, as far as its first character shows."""
    return _OBJECT.match(data) is not None


def every_fault(raw: Raw, kind: type[Struct], where: str, notebook: Notebook) -> None:
    """Note what is wrong with ``raw`` as a ``kind``, member by member: ``[3].endTime``."""
    before = notebook.fault_count
    try:
        value = msgspec.json.decode(raw)
    except MALFORMED as error:
        notebook.fault(where, str(error))
        return
    if not isinstance(value, dict):
        notebook.fault(where, "not an object")
        return
    for field in msgspec.structs.fields(kind):
        _member(value, field, where, notebook)
    if notebook.fault_count == before:
        notebook.fault(where, "unreadable")


def _member(
    value: dict[str, Any], field: msgspec.structs.FieldInfo, where: str, notebook: Notebook
) -> None:
    path = f"{where}.{field.encode_name}"
    if field.encode_name not in value:
        if field.required:
            notebook.fault(path, "missing")
        return
    try:
        msgspec.convert(value[field.encode_name], field.type)
    except msgspec.ValidationError as error:
        why, _, rest = str(error).partition(" - at `$")
        notebook.fault(path + rest.rstrip("`"), why)
