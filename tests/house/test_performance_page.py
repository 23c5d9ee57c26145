"""The table of docs/performance.md is what `make bench` found, and nobody's hand."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_its_table_is_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from bench import page

    text = page.PAGE.read_text()
    assert page.kept()
    assert page.written(text, page.kept()) == text
