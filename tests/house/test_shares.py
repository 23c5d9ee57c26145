"""Several workers of a run share the tests file by file (tests/shares.py)."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from shares import TOGETHER, share_of

TESTS = Path(__file__).resolve().parent.parent
HOOK = """
import sys
sys.path.append({tests!r})
from shares import Shares

def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log)
"""
FILE = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(6))
def test_it(number):
    with pathlib.Path({log!r}).open("a") as log:
        print({name!r}, os.environ["PYTEST_XDIST_WORKER"], file=log)
"""


@pytest.mark.parametrize("files", TOGETHER)
def test_what_is_kept_together_is_there(files: str) -> None:
    assert list(TESTS.parent.glob(files))


def test_a_test_goes_with_its_file_unless_that_goes_with_others() -> None:
    assert share_of("tests/unit/test_rate.py::test_it[a::b]") == "tests/unit/test_rate.py"
    one, other = (
        "tests/browser/test_precall.py::test_a",
        "tests/browser/test_call_page.py::test_b",
    )
    assert share_of(one) == share_of(other) == "browsers"


def test_no_file_is_torn_apart_between_workers(tmp_path: Path) -> None:
    """The schedule is pytest-xdist's own but for the shares: another version may undo them."""
    log = tmp_path / "log"
    (tmp_path / "conftest.py").write_text(HOOK.format(tests=str(TESTS)))
    names = ("one", "two", "three")
    for name in names:
        (tmp_path / f"test_{name}.py").write_text(FILE.format(log=str(log), name=name))
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    workers = defaultdict(set)
    lines = log.read_text().splitlines()
    for line in lines:
        name, worker = line.split()
        workers[name].add(worker)
    assert len(lines) == 6 * len(names)
    assert {name: len(found) for name, found in workers.items()} == dict.fromkeys(names, 1)
