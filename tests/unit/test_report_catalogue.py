"""docs/metrics.md and the structs of the report name the same numbers, both ways."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
from msgspec import Struct

from roomtone.model.peer_report import ParticipantDetails, PeerReport

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
SECTION = re.compile(r"^### .*\(`(\w+)`\)$")
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| ?(.*?) ?\|$")


def parts(annotation):
    yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def is_number(annotation):
    """An int or float by itself or with None; not a list or a map of such."""
    return bool({int, float} & {annotation, *get_args(annotation)}) and bool not in (
        annotation,
        *get_args(annotation),
    )


def structs_of(kind, found):
    """``kind``, its bases and everything it holds."""
    for base in kind.__mro__:
        if issubclass(base, Struct) and base is not Struct and base not in found:
            found.add(base)
            for annotation in get_type_hints(base).values():
                for part in parts(annotation):
                    if isinstance(part, type) and issubclass(part, Struct):
                        structs_of(part, found)
    return found


def numbers_in_code():
    """Struct name → the API names of its own numbers."""
    numbers = {}
    for kind in structs_of(PeerReport, set()) | structs_of(ParticipantDetails, set()):
        own = set(kind.__annotations__)
        hints = get_type_hints(kind)
        api = {f.name: f.encode_name for f in msgspec.structs.fields(kind)}
        named = {api[name] for name in own if name in api and is_number(hints[name])}
        if named:
            numbers[kind.__name__] = named
    return numbers


def numbers_on_the_page():
    numbers = {}
    section = None
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            found = SECTION.match(line)
            section = found[1] if found else None
        elif (row := ROW.match(line)) and section:
            numbers.setdefault(section, set()).add(row[1])
    return numbers


def test_every_number_of_the_report_is_on_the_page_and_none_else():
    assert numbers_on_the_page() == numbers_in_code()


def test_every_row_has_a_unit_and_a_source():
    rows = [ROW.match(line) for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert all(row and row[2].strip() and row[3].strip() for row in rows)
