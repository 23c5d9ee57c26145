"""The tree shows the design: known floors, telling names, nothing half done."""

import re
from collections import Counter

import pytest
from sources_of_truth import ROOT, SRC, floors, modules, name_of, project_files

FILES = {"__init__.py", "py.typed"}
DATA = {"recordings"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base", "core", "tools"}
UNFINISHED = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|[Ss]tub|[Pp]laceholder(?![=-])|for now)\b"
)
WRITTEN = {".py", ".js", ".html", ".css", ".sql", ".toml"}


def test_the_package_holds_the_known_floors_and_nothing_else():
    found = {path.relative_to(SRC).parts[0] for path in project_files() if SRC in path.parents}

    assert {name.removesuffix(".py") for name in found - FILES - DATA} <= floors()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_is_named_after_what_it_holds(path):
    names = {path.stem, *path.relative_to(SRC).parts[:-1]}

    assert not names & VAGUE


def test_nothing_in_the_package_is_left_for_later():
    marks = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in project_files()
        if SRC in path.parents and path.suffix in WRITTEN
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]

    assert marks == []


def test_test_modules_have_names_of_their_own():
    # Without packages, two of one name could not be collected together.
    names = Counter(
        path.name
        for path in project_files()
        if path.match("tests/**/*.py") and path.name != "conftest.py"
    )

    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_is_large_but_recordings_of_real_calls():
    large = [
        f"{path.stat().st_size} {name_of(path)}"
        for path in project_files()
        if path.stat().st_size > (1_000_000 if path.match("*.json*.gz") else 400_000)
    ]

    assert large == []


def test_the_scripts_that_are_run_can_be_run():
    for name in (".ci/run", "scripts/find-python"):
        assert (ROOT / name).stat().st_mode & 0o111, name
