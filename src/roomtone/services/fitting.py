"""Fitting: an object that somebody else made → one that reads as one of ours, nothing taken away.

Members that ours must have and theirs lack become null, or the emptiest value that their type
knows; members that ours do not know stay. One whose value is of another type is replaced, and
named, so that whoever fits can keep the original beside it.
"""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

MAX_NAMED = 100
"""Misfits that are named; more tell nobody more."""


class Fitted(msgspec.Struct, frozen=True):
    """The object, and the paths of what did not fit."""

    value: dict[str, Any]
    misfits: tuple[str, ...]


def fitted(value: dict[str, Any], kind: type) -> Fitted:
    """``value`` as a ``kind`` would be written. What comes out always decodes as one."""
    misfits: list[str] = []
    made = _fit(value, _shape(kind), "", misfits)
    try:
        msgspec.convert(made, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        return Fitted(_fit({}, _shape(kind), "", []), (*misfits, f"{error}"))
    return Fitted(made, tuple(misfits[:MAX_NAMED]))


@lru_cache(maxsize=16)
def _shape(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _fit(value: Any, shape: inspect.Type, where: str, misfits: list[str]) -> Any:
    if isinstance(shape, inspect.Metadata):
        return _fit(value, shape.type, where, misfits)
    if isinstance(shape, inspect.UnionType):
        return _fit_one_of(value, shape, where, misfits)
    if isinstance(shape, inspect.StructType):
        if isinstance(value, dict):
            return _fit_members(value, shape, where, misfits)
    elif isinstance(shape, inspect.ListType | inspect.VarTupleType):
        if isinstance(value, list):
            return [
                _fit(item, shape.item_type, f"{where}[{number}]", misfits)
                for number, item in enumerate(value)
            ]
    elif _is_of(value, shape):
        return value
    misfits.append(where)
    return _emptiest(shape)


def _fit_one_of(value: Any, shape: inspect.UnionType, where: str, misfits: list[str]) -> Any:
    options = [one for one in shape.types if not isinstance(one, inspect.NoneType)]
    if value is None and shape.includes_none:
        return None
    for option in options:
        if isinstance(option, inspect.StructType) and isinstance(value, dict):
            return _fit(value, option, where, misfits)
        if isinstance(option, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
            return _fit(value, option, where, misfits)
        if _is_of(value, option):
            return value
    misfits.append(where)
    return _emptiest(shape)


def _fit_members(
    value: dict[str, Any], shape: inspect.StructType, where: str, misfits: list[str]
) -> dict[str, Any]:
    made = dict(value)
    for field in shape.fields:
        name = field.encode_name
        at = f"{where}.{name}".lstrip(".")
        if name in value:
            before = len(misfits)
            made[name] = _fit(value[name], field.type, at, misfits)
            if not field.required and at in misfits[before:]:
                del made[name]  # what may be left out is rather left out than made up
        elif field.required:
            made[name] = _emptiest(field.type)
    return made


def _is_of(value: Any, shape: inspect.Type) -> bool:
    if isinstance(shape, inspect.AnyType):
        return True
    if isinstance(shape, inspect.NoneType):
        return value is None
    if isinstance(shape, inspect.StrType):
        return isinstance(value, str)
    if isinstance(shape, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(shape, inspect.LiteralType):
        return value in shape.values
    if isinstance(shape, inspect.DictType):
        return isinstance(value, dict)
    if isinstance(value, bool):
        return False
    if isinstance(shape, inspect.IntType):
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(shape, inspect.FloatType) and isinstance(value, int | float)


def _emptiest(shape: inspect.Type) -> Any:
    """Null where that may be; else what says the least."""
    if isinstance(shape, inspect.Metadata):
        return _emptiest(shape.type)
    if isinstance(shape, inspect.UnionType):
        if shape.includes_none:
            return None
        return _emptiest(shape.types[0])
    if isinstance(shape, inspect.StructType):
        return _fit_members({}, shape, "", [])
    if isinstance(shape, inspect.ListType | inspect.VarTupleType):
        return []
    if isinstance(shape, inspect.LiteralType):
        return shape.values[0]
    for kind, nothing in _NOTHING.items():
        if isinstance(shape, kind):
            return nothing() if callable(nothing) else nothing
    return None


_NOTHING: dict[type, Any] = {
    inspect.StrType: "",
    inspect.BoolType: False,
    inspect.IntType: 0,
    inspect.FloatType: 0.0,
    inspect.DictType: dict,
}
