"""Every fault of a JSON object, not just the first at which msgspec stops."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from roomtone.formats.notebook import Notebook

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for what is not JSON, not UTF-8, nested too deeply, or of other types."""


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
