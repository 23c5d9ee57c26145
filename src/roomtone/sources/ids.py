"""Ids as clients send them."""

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_or_none(text: str) -> str | None:
    """A UUID in lower case; None for anything else."""
    lowered = text.lower()
    return lowered if _UUID.fullmatch(lowered) else None


def peer_id_of(text: str | None) -> str:
    """The id of another peer as the vendor's client gives it; a UUID in lower case."""
    return "" if not text else uuid_or_none(text) or text
