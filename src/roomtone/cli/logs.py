"""Logs: JSON lines to stderr, readable ones on a terminal. Never the values of variables."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from roomtone.cli.repetitions import Repetitions

CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
"""What moves a terminal's cursor, or writes its title, is shown instead."""
LINES = {**CONTROLS, ord("\n"): "\\n", ord("\t"): "\\t"}
TRACES = ("trace", "exception", "stack")
"""Members that are several lines by nature."""


def log_to_stderr(level: str) -> None:
    """Send structlog to stderr from this level (``debug`` … ``error``) up."""
    terminal = sys.stderr.isatty()
    # The default console tracebacks print local variables, and with them tokens.
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            Repetitions(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([printable] if terminal else []),
            *renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Today's stderr, whatever it was when this was set up.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # The words of the server and of the queues, in the same form.
    for name in ("uvicorn", "dbos"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_Passed()], False


class _Passed(logging.Handler):
    """Hands records of the standard library's logging on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """See :class:`logging.Handler`."""
        said: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            said["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, record.getMessage(), **said)


def printable(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A processor: what clients sent cannot begin a line, colour one or hide one on a terminal."""
    return {
        name: value.translate(CONTROLS if name in TRACES else LINES)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }
