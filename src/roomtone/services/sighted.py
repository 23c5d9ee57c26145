"""Sighted: the ids of what another system named before this one knew it.

They follow from the names, so two processes that hear of somebody at once make the same person, and
an invitation that comes afterwards finds whom it is for.
"""

from hashlib import blake2b
from uuid import UUID


def uuid_of(*parts: str) -> str:
    """A UUID (version 4 in form) that is the same for the same words."""
    made = blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return str(UUID(bytes=made, version=4))


def sighted_id(app_id: str, meeting_id: str, person: str) -> str:
    """The participant's id of whoever a server calls ``person`` in a meeting."""
    return uuid_of(app_id, meeting_id, person)
