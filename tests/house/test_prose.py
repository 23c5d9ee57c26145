"""What is public is explained, and nothing committed names the machine that it was written on."""

import ast
import re

import pytest
from sources_of_truth import PURE, ROOT, modules, name_of, project_files, pure_modules, tree

MACHINE = re.compile(
    # In pieces, so that this file does not name them itself.
    r"(?<![\w.:/-])/(wo"
    r"rk|tm"
    r"p|ro"
    r"ot|ho"
    r"me|Us"
    r"ers)/"
    r"|\.libr"
    r"ary/|npm"
    r"js\.org|python"
    r"hosted|pypi\."
    r"org"
)
BINARY = {".gz", ".png", ".ico", ".woff2", ".mmdb", ".zst"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", pure_modules(), ids=name_of)
def test_what_a_pure_module_offers_is_explained(path):
    bare = [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert bare == []


def test_nothing_committed_names_a_machine():
    named = [
        f"{name_of(path)}:{number}: {line.strip()[:120]}"
        for path in project_files()
        if path.suffix not in BINARY
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE.search(line)
    ]

    assert named == []


def test_the_pure_floors_are_those_that_the_architecture_names():
    page = (ROOT / "ARCHITECTURE.md").read_text()

    assert f"{', '.join(PURE)} are pure" in page
