"""Objects turned on their side, and back: each member of many alike objects is a column.

The members of an object within an object are columns of their own, ``outer.inner``. Which members
an object has, in which order, is its *shape*; many objects have few shapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

_encode = msgspec.msgpack.Encoder().encode


class Numbering:
    """Numbers values as they first appear; equal means of equal bytes (so 0.0 is not -0.0)."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, value: Any) -> int:
        """The number of a value, a new one if it is new."""
        key = _encode(value)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = len(self.values)
            self.values.append(value)
        return known


def flat(thing: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Members by name; those of a nested object as ``outer.inner``. An empty object is a value."""
    for name, value in thing.items():
        if isinstance(value, dict) and value:
            for inner, deep in value.items():
                yield f"{name}.{inner}", deep
        else:
            yield name, value


def objects(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Objects of equal members, ``outer.inner`` nested again: column by column, for speed."""
    made: dict[str, Sequence[Any]] = {}
    inside: dict[str, dict[str, Sequence[Any]]] = {}
    for name, column in zip(names, columns, strict=True):
        outer, dot, inner = name.partition(".")
        if dot:
            inside.setdefault(outer, {})[inner] = column
            made.setdefault(outer, ())  # its place among the members
        else:
            made[name] = column
    for outer, inners in inside.items():
        made[outer] = objects(list(inners), list(inners.values()))
    members = tuple(made)
    return [dict(zip(members, values, strict=True)) for values in zip(*made.values(), strict=True)]


def of_shapes(
    names: Sequence[str],
    shapes: Sequence[Sequence[int]],
    shape_of: Sequence[int],
    columns: Sequence[Sequence[Any]],
    more: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Objects of several shapes. A shape is places in ``names``; a column has the values of those
    objects alone that have its member. ``more`` comes last in each of them."""
    taken = [0] * len(names)
    made: list[dict[str, Any]] = []
    for shape, run in groupby(shape_of):
        places, count = shapes[shape], len(list(run))
        told: list[Sequence[Any]] = []
        for place in places:
            told.append(columns[place][taken[place] : taken[place] + count])
            taken[place] += count
        told += ([value] * count for value in more.values())
        made += objects([*(names[place] for place in places), *more], told)
    return made
