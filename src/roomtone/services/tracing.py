"""Tracing: who is told what led to what, and how long each took.

:class:`Untraced` tells nobody and costs nothing; ``web/tracing.py`` tells OpenTelemetry. Spans name
sessions and requests by their ids. What people wrote or said, tokens, addresses with a query and
bodies are in none.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from roomtone.ports.courier import Courier
from roomtone.ports.journal import Journal


class Untraced:
    """Hands back what it is given."""

    def application(self, app: Any) -> Any:
        """The application, with a span for each request."""
        return app

    def journal(self, journal: Journal) -> Journal:
        """The journal, with a span for each append."""
        return journal

    def courier(self, courier: Courier) -> Courier:
        """The courier, with a span for each try to deliver."""
        return courier

    def work(self, name: str, **attributes: str | int) -> AbstractContextManager[object]:
        """A span around a piece of work, such as the seal of a session."""
        return nullcontext()

    def close(self) -> None:
        """Send what was not sent yet."""


UNTRACED = Untraced()
