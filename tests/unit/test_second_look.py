"""Which failures get a second run (scripts/second_look.py)."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/second_look.py"
CALL = "tests/browser/test_call_page.py::test_a"
KILL = "tests/faults/test_kill.py::test_b"
LAW = "tests/laws/test_finding_laws.py::test_c"


@pytest.fixture(scope="module")
def second_look():
    spec = importlib.util.spec_from_file_location("second_look", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("status", "failed", "wanted"),
    [
        (1, [CALL], True),
        (1, [CALL, KILL, CALL + "2"], True),
        (1, [CALL, KILL, CALL + "2", CALL + "3"], False),
        (1, [CALL, LAW], False),
        (1, [], False),
        (2, [CALL], False),
        (3, [CALL], False),
    ],
)
def test_only_few_tests_of_real_time(second_look, status, failed, wanted):
    assert second_look.worth_it(status, failed) is wanted


@pytest.mark.parametrize(("again", "verdict"), [(0, 0), (1, 1)])
def test_what_fails_alone_too_fails(second_look, monkeypatch, tmp_path, capsys, again, verdict):
    kept = tmp_path / "lastfailed"
    kept.write_text(f'{{"{CALL}": true}}')
    monkeypatch.setattr(second_look, "FAILED", kept)
    ended = type("Ended", (), {"returncode": again})
    monkeypatch.setattr(second_look.subprocess, "run", lambda *_, **__: ended)

    assert second_look.main(1) == verdict
    assert ("PASSED ALONE" in capsys.readouterr().out) is (again == 0)
