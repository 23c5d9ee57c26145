"""An event's metadata as it is kept: names in snake case, small, without secrets.

Names become snake case letter by letter, as the vendor's do: ``roomUUID`` → ``room_u_u_i_d``,
``RTT`` → ``r_t_t`` (contract 6.5).
"""

import re
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from roomtone.model.errors import Fault, Invalid
from roomtone.model.limits import (
    MAX_ID_CHARS,
    MAX_JSON_DEPTH,
    MAX_METADATA_BYTES,
    MAX_NAME_CHARS,
)
from roomtone.sources.addresses import masked
from roomtone.sources.faults import MALFORMED

SECRETS = frozenset(
    (
        *("credential", "credentials", "username", "password", "secret", "authorization"),
        *("token", "auth_token", "access_token", "api_key"),
    )
)
"""Members that are dropped wherever they stand: net_quality_test_end echoes TURN credentials."""
ADDRESSES = frozenset(("ip", "ipv4", "ipv6", "ip_address", "address"))
_UPPER = re.compile(r"[A-Z]")
_WIDEST = 2**63


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """``roomUUID`` → ``room_u_u_i_d``; a name that is snake case already stays."""
    return _UPPER.sub(lambda letter: "_" + letter[0].lower(), name).lstrip("_")[:MAX_ID_CHARS]


def metadata_of(raw: Raw, *, mask: bool) -> dict[str, Any] | None:
    """Metadata as it is kept; None where there is none. Raises Invalid."""
    text = bytes(raw)
    if text in (b"", b"null"):
        return None
    if len(text) > MAX_METADATA_BYTES:
        raise Invalid("metadata", (Fault("", f"more than {MAX_METADATA_BYTES} bytes of JSON"),))
    try:
        value = msgspec.json.decode(raw)
    except MALFORMED as error:
        raise Invalid("metadata", (Fault("", str(error)),)) from None
    if not isinstance(value, dict):
        raise Invalid("metadata", (Fault("", "expected an object"),))
    kept: dict[str, Any] = _kept(value, MAX_JSON_DEPTH, mask)
    return kept


def _kept(value: Any, depth: int, mask: bool) -> Any:
    if isinstance(value, str):
        return value[:MAX_NAME_CHARS]
    if isinstance(value, dict):
        _deeper(depth)
        return {
            key: _member(key, member, depth, mask)
            for key, member in ((snake(name), member) for name, member in value.items())
            if key not in SECRETS
        }
    if isinstance(value, list):
        _deeper(depth)
        return [_kept(item, depth - 1, mask) for item in value]
    if isinstance(value, int) and not -_WIDEST <= value < _WIDEST:
        return str(value)[:MAX_NAME_CHARS]  # wider than any integer that a store takes
    return value


def _member(key: str, member: Any, depth: int, mask: bool) -> Any:
    if mask and key in ADDRESSES and isinstance(member, str):
        return masked(member)
    return _kept(member, depth - 1, mask)


def _deeper(depth: int) -> None:
    if depth <= 0:
        raise Invalid("metadata", (Fault("", f"nested more than {MAX_JSON_DEPTH} deep"),))
