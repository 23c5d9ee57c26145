"""Query strings, read by type: total, and with every fault listed.

An operation names its parameters as values of :class:`Parameter`; the same values read the query
and describe it in ``openapi.json``. Unknown parameters are passed over, as the vendor does
(contract 0). Numbers may come as ``2.0``: the vendor's SDK sends a Python float as it is.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from msgspec import Struct

from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.times import parse_iso

T = TypeVar("T")

MAX_FIELDS = 100
"""Parameters in one query; we know a dozen."""
MAX_PAGE_NO = 1_000_000_000
"""Keeps page_no · per_page within what a database calls an offset."""


class Parameter(Struct, Generic[T], frozen=True, kw_only=True):
    """One query parameter. ``read`` raises ValueError with words that follow the name."""

    name: str
    read: Callable[[str], T]
    default: T
    schema: dict[str, Any]
    help: str


class Query:
    """A query that was read without a fault."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, parameter: Parameter[T]) -> T:
        value: T = self._values.get(parameter.name, parameter.default)
        return value


_EMPTY = Query({})


def read_query(raw: bytes, parameters: Sequence[Parameter[Any]]) -> Query:
    """Read what is asked. Raises Invalid with all faults."""
    if not raw or not parameters:
        return _EMPTY
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadRequest(f"The query has more than {MAX_FIELDS} parameters.") from None
    given = dict(pairs)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for parameter in parameters:
        text = given.get(parameter.name)
        if text is None:
            continue
        try:
            values[parameter.name] = parameter.read(text)
        except ValueError as error:
            faults.append(Fault(parameter.name, str(error)))
    if faults:
        raise Invalid("The query is not valid.", tuple(faults))
    return Query(values)


# --- kinds of parameters --------------------------------------------------------------------------

_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?", re.ASCII)


def whole(name: str, default: int, least: int, most: int, help: str) -> Parameter[int]:  # noqa: A002
    """A whole number in a range."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError("must be a whole number")
        number = int(text.partition(".")[0])
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}")
        return number

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name=name, read=read, default=default, schema=schema, help=help)


_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


def hundredths(name: str, least: int, most: int, help: str) -> Parameter[int | None]:  # noqa: A002
    """A decimal number in a range as whole hundredths, rounded up; or not asked."""

    def read(text: str) -> int | None:
        if not _DECIMAL.fullmatch(text):
            raise ValueError("must be a number such as 3.5")
        number = Decimal(text)
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}")
        return ceil(number * 100)

    schema = {"type": "number", "minimum": least, "maximum": most}
    return Parameter(name=name, read=read, default=None, schema=schema, help=help)


def choice(name: str, options: Sequence[str], default: str, help: str) -> Parameter[str]:  # noqa: A002
    """One of a few words, with a default."""
    read = _one_of(options)
    schema = {"type": "string", "enum": list(options), "default": default}
    return Parameter(name=name, read=read, default=default, schema=schema, help=help)


def maybe_choice(name: str, options: Sequence[str], help: str) -> Parameter[str | None]:  # noqa: A002
    """One of a few words, or not asked."""
    schema = {"type": "string", "enum": list(options)}
    return Parameter(name=name, read=_one_of(options), default=None, schema=schema, help=help)


def flag(name: str, help: str) -> Parameter[bool]:  # noqa: A002
    """``true`` or ``false``; false if not given."""

    def read(text: str) -> bool:
        lowered = text.lower()
        if lowered in ("true", "1"):
            return True
        if lowered in ("false", "0"):
            return False
        raise ValueError("must be true or false")

    schema = {"type": "boolean", "default": False}
    return Parameter(name=name, read=read, default=False, schema=schema, help=help)


def text(name: str, help: str) -> Parameter[str | None]:  # noqa: A002
    """Any text within reason; an empty one asks for nothing."""

    def read(given: str) -> str | None:
        if len(given) > MAX_NAME_CHARS:
            raise ValueError(f"must be at most {MAX_NAME_CHARS} characters")
        return given or None

    schema = {"type": "string", "maxLength": MAX_NAME_CHARS}
    return Parameter(name=name, read=read, default=None, schema=schema, help=help)


# A '+' that nobody encoded arrives as a blank: 2024-01-01T00:00:00 05:30.
_LOST_PLUS = re.compile(r"(?<=[T ]\d\d:\d\d)((?::\d\d(?:\.\d+)?)?) (?=\d\d:?\d\d$)", re.ASCII)


def read_instant(given: str) -> int:
    """ISO 8601 → epoch ms; no zone means UTC, and a lost ``+`` is found again."""
    try:
        return parse_iso(_LOST_PLUS.sub(r"\1+", given.strip()))
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time such as 2024-01-02T03:04:05Z") from None


def instant(name: str, help: str) -> Parameter[int | None]:  # noqa: A002
    """A moment, as epoch ms."""
    schema = {"type": "string", "format": "date-time"}
    return Parameter(name=name, read=read_instant, default=None, schema=schema, help=help)


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def day(name: str, help: str) -> Parameter[int | None]:  # noqa: A002
    """A UTC day, as its number since 1970-01-01."""

    def read(given: str) -> int | None:
        if not _DAY.fullmatch(given):
            raise ValueError("must be a day such as 2024-01-31")
        try:
            return (date.fromisoformat(given) - date(1970, 1, 1)).days
        except ValueError:
            raise ValueError("is no day of the calendar") from None

    schema = {"type": "string", "format": "date"}
    return Parameter(name=name, read=read, default=None, schema=schema, help=help)


Span = tuple[int | None, int | None]

_SPAN = re.compile(r"(\d{0,9}):(\d{0,9})", re.ASCII)


def span(name: str, help: str) -> Parameter[Span]:  # noqa: A002
    """``min:max``, both inclusive, either side may be empty."""

    def read(given: str) -> Span:
        match = _SPAN.fullmatch(given)
        if match is None:
            raise ValueError("must look like 2:10, 2: or :10")
        least, most = (int(side) if side else None for side in match.groups())
        if least is not None and most is not None and least > most:
            raise ValueError("must not begin above its end")
        return least, most

    schema = {"type": "string", "pattern": r"^[0-9]{0,9}:[0-9]{0,9}$", "example": "1:10"}
    return Parameter(name=name, read=read, default=(None, None), schema=schema, help=help)


def names(name: str, options: Sequence[str], help: str) -> Parameter[frozenset[str]]:  # noqa: A002
    """Some of a few words, comma-separated; nothing given: empty, which means all."""
    known = frozenset(options)

    def read(given: str) -> frozenset[str]:
        asked = [word.strip() for word in given.split(",")]
        if unknown := [word for word in asked if word not in known]:
            what = ", ".join(repr(word) for word in unknown[:5])
            raise ValueError(f"has no {what}; it takes some of {', '.join(options)}")
        return frozenset(asked)

    # One word, or several with commas: every SDK types it as one (contract 1.9).
    one = "|".join(options)
    schema = {"type": "string", "pattern": f"^({one})(,({one}))*$", "example": options[0]}
    default: frozenset[str] = frozenset()
    return Parameter(name=name, read=read, default=default, schema=schema, help=help)


def _one_of(options: Sequence[str]) -> Callable[[str], str]:
    known = frozenset(options)

    def read(given: str) -> str:
        if given not in known:
            raise ValueError(f"must be one of {', '.join(options)}")
        return given

    return read
