"""Logs: JSON lines to stderr, readable ones on a terminal. Never the values of variables."""

import sys

import structlog


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
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Today's stderr, whatever it was when this was set up.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
