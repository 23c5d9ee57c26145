"""docs/threats.md names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/threats.md").read_text()
NAMED = re.compile(r"`([\w/]+\.py|…)(?:::(test_\w+))?`")
SAME = "the same test"


def threats() -> list[str]:
    """The rows of the tables of threats."""
    tables = PAGE.partition("## Getting at")[2].partition("## Parts made by")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith("| threat |")]


def named_in(row: str) -> list[tuple[str, str]]:
    """(file, test) of a row's last column; "…" is some file that was named before."""
    return NAMED.findall(row.split(" | ")[2])


def test_every_test_that_the_page_names_exists() -> None:
    everywhere = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for file, name in (each for row in threats() for each in named_in(row)):
        if file == "…":
            assert name in everywhere, name
        else:
            path = ROOT / "tests" / file
            assert path.exists(), file
            assert not name or f"def {name}(" in path.read_text(), (file, name)


def test_every_threat_has_its_test() -> None:
    assert len(threats()) > 40
    assert [row for row in threats() if not named_in(row) and SAME not in row] == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests/security").glob("test_*.py")), ids=str)
def test_every_file_of_tests_here_is_on_the_page(path: Path) -> None:
    if path.name != Path(__file__).name:
        assert f"security/{path.name}" in PAGE
