"""Courier: takes one request to a receiver somewhere in the world, once."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Answer(Struct, frozen=True, kw_only=True):
    """What came of it: a status, or the reason why there is none."""

    status: int | None = None
    body: str = ""
    """The beginning of the answer's body, as text."""
    error: str | None = None
    """Why nothing was answered, in words for a person."""
    forbidden: bool = False
    """Not sent: the receiver's address is one that may not be called."""


class Courier(Protocol):
    """See the module."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST, within seconds, following no redirects. Whatever goes wrong is in the answer."""
        ...
