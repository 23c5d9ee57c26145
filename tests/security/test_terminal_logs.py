"""On a terminal a log line stays one line, and leaves the terminal as it was."""

import sys

import pytest
import structlog

from roomtone.cli.logs import log_to_stderr, printable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain text, Grüße, 日本語", "plain text, Grüße, 日本語"),
        ("a\r\nlevel=error", r"a\x0d\nlevel=error"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("a\tb", r"a\tb"),
    ],
)
def test_what_is_not_printable_is_shown_as_such(said: str, shown: str) -> None:
    assert printable(None, "", {"path": said}) == {"path": shown}


def test_a_trace_keeps_its_lines_and_nothing_else() -> None:
    told = printable(None, "", {"trace": "File x\n  raise\x1b[2J\n", "count": 3})

    assert told == {"trace": "File x\n  raise\\x1b[2J\n", "count": 3}


def test_a_terminal_is_written_to_that_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    log_to_stderr("info")

    structlog.get_logger().error("a request failed", path="/x\n\x1b[2Jspoofed")

    written = capsys.readouterr().err
    assert "\x1b[2J" not in written
    assert written.count("\n") == 1
    assert r"\x1b[2Jspoofed" in written.replace("\\\\", "\\")
