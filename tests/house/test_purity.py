"""The pure floors take everything they know as arguments: no I/O, clock, randomness or async.

What they may import is listed, so that a new import there is a decision, not a habit.
"""

import ast

import pytest
from sources_of_truth import name_of, pure_modules, tree

ALLOWED = {
    "__future__", "abc", "array", "base64", "binascii", "bisect", "collections", "contextlib",
    "copy", "csv", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "gzip",
    "hashlib", "heapq", "html", "io", "ipaddress", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata",
    "urllib.parse", "zlib",
    "msgspec", "numpy", "ua_parser", "zstandard", "roomtone",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "__import__", "breakpoint"}
IMPURE_MEMBERS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "numpy": {"random", "load", "save", "fromfile"},
    "np": {"random", "load", "save", "fromfile"},
}


def _imports(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _allowed(module):
    return module in ALLOWED or module.split(".")[0] in ALLOWED


@pytest.mark.parametrize("path", pure_modules(), ids=name_of)
def test_a_pure_module_imports_nothing_that_touches_the_world(path):
    assert [module for module in _imports(path) if not _allowed(module)] == []


@pytest.mark.parametrize("path", pure_modules(), ids=name_of)
def test_a_pure_module_reads_no_clock_no_file_and_no_dice(path):
    impure = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in IMPURE_CALLS:
                impure.append(f"line {node.lineno}: {node.func.id}()")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in IMPURE_MEMBERS.get(node.value.id, ()):
                impure.append(f"line {node.lineno}: {node.value.id}.{node.attr}")
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            impure.append(f"line {node.lineno}: async")

    assert impure == []


def test_there_are_pure_modules_to_look_at():
    assert len(pure_modules()) > 10
