"""Small on purpose: a module fits in one reading, a function on one screen."""

import ast

import pytest
from sources_of_truth import ROOT, modules, name_of, tree

MODULE_LINES = 400
FUNCTION_LINES = 60
ARCHITECTURE_LINES = 100


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_function_has_at_most_60_lines(path):
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]

    assert long == []


def test_the_architecture_fits_on_one_page():
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= ARCHITECTURE_LINES
