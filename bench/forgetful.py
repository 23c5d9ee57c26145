"""Roomtone as it is, but for one thing: the session list remembers no question.

A benchmark asks the same question again and again; people mostly ask another one. So every answer
costs what a first one costs.
"""

from functools import partial

from roomtone.cli import main
from roomtone.storage import sessions
from roomtone.storage.session_index import SessionIndex

if __name__ == "__main__":
    sessions.SessionIndex = partial(SessionIndex, remembered=0)  # type: ignore[misc, assignment]
    main()
