"""What DBOS's log lines become."""

import logging
import sqlite3

import sqlalchemy as sa

from roomtone.jobs.telling import is_news


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    trace = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("dbos", logging.ERROR, "", 1, message, (), trace)


def full() -> Exception:
    """What SQLAlchemy raises on a full disk, within what DBOS makes of it."""
    orig = sqlite3.OperationalError("database or disk is full")
    trouble = sa.exc.OperationalError("UPDATE secret SET x", {"token": "secret"}, orig)
    try:
        raise RuntimeError("step failed") from trouble
    except RuntimeError as error:
        return error


def test_a_store_that_is_away_is_told_in_one_line() -> None:
    told = record("Exception in workflow", full())
    assert is_news(told)
    assert told.getMessage() == "Exception in workflow: database or disk is full"
    assert told.exc_info is None


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    told = record("Exception in workflow", ValueError("2%"))
    assert is_news(told)
    assert told.exc_info is not None
    assert told.getMessage() == "Exception in workflow"


def test_a_failed_launch_is_told_by_whoever_tries_again() -> None:
    assert not is_news(record("DBOS failed to launch", full()))
