"""CSV cells and rows: RFC 4180, made harmless to spreadsheets, and read back.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end for a
formula, quoted or not (OWASP, "CSV Injection"); some also take the full-width forms. Such a cell
gets an apostrophe in front. So that reading can undo exactly that, a cell that begins with
apostrophes *followed by* one of these gets one more; reading takes one away.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator

from roomtone.formats.notebook import Notebook

MAX_LINE_CHARS = 512 * 1024
"""Of a record; Python's csv takes 128 K characters in one field."""
LINE_END = "\r\n"
"""RFC 4180, section 2.1."""
FORMULA_STARTS = "=+\\-@\t\r\n＝＋－＠"
DELIMITERS = ",;\t"

_DANGEROUS = re.compile(f"'*[{FORMULA_STARTS}]")
_DEFUSED = re.compile(f"'+[{FORMULA_STARTS}]")
_QUOTE_NEEDED = re.compile(r"[\",;'\t\r\n]|^\s|\s$")
"""Also what separates cells where a comma is the decimal point: a text must not begin a cell."""


def harmless(text: str) -> str:
    """A cell's text that no spreadsheet runs."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def as_meant(cell: str) -> str:
    """The text that :func:`harmless` was given."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def quoted(text: str) -> str:
    """In quotes, whatever it is."""
    return '"' + text.replace('"', '""') + '"'


def quoted_if_needed(text: str) -> str:
    """In quotes where RFC 4180 asks for it, or a spreadsheet would trim or split it."""
    return quoted(text) if _QUOTE_NEEDED.search(text) else text


def row(cells: Iterable[str], quote: Callable[[str], str]) -> str:
    """One record with its line end."""
    return ",".join(quote(cell) for cell in cells) + LINE_END


def rows(
    lines: Iterator[str], notebook: Notebook, delimiter: str = ",", *, spaced: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first line. Empty lines are passed over; what is wrongly
    quoted is a fault, and the end: beyond it nobody knows what is a quote. ``spaced``: spaces
    after a delimiter mean nothing."""
    reader = csv.reader(_bounded(lines), delimiter=delimiter, skipinitialspace=spaced, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            notebook.fault(f"line {number}", f"not CSV: {error}")
            return
        if cells:
            yield number, cells


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if len(line) > MAX_LINE_CHARS:
            raise csv.Error(f"a line of {len(line)} characters")
        yield line


def delimiter_of(first_line: str, columns: int) -> str:
    """The delimiter that gives a first line this many columns or more; a comma if none does."""
    for delimiter in DELIMITERS:
        try:
            cells = next(
                csv.reader(
                    [first_line[:MAX_LINE_CHARS]], delimiter=delimiter, skipinitialspace=True
                ),
                [],
            )
        except csv.Error:
            continue
        if len(cells) >= columns:
            return delimiter
    return ","
