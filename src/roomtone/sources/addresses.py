"""Masking of addresses, as the vendor's client does it for IPv4, and properly for IPv6.

IPv4 loses its last two octets (``203.0.113.9`` → ``203.0.0.0``). IPv6 keeps its first 48 bits, the
site (``2001:db8:7:1::5`` → ``2001:db8:7::``). The vendor's client leaves IPv6 whole and puts
``.0.0`` behind it (``fd00::2.0.0``), which no parser takes, so nothing here parses strictly.
Whatever is not an address (mDNS names, ``(redacted)``) is kept out: it says nothing and could say
too much.
"""

import re
from functools import lru_cache

_IPV4 = re.compile(r"(25[0-5]|2[0-4]\d|1?\d?\d)\.(25[0-5]|2[0-4]\d|1?\d?\d)\.[\d.]+")
_GROUP = re.compile(r"[0-9a-f]{1,4}")
_SITE_GROUPS = 3
_ALL_GROUPS = 8


@lru_cache(maxsize=4096)  # the same few addresses come with every snapshot
def masked(address: str | None) -> str | None:
    """The address without what tells a household or a machine; None for anything else.

    Never raises, and masking twice changes nothing.
    """
    if not address:
        return None
    whole = _IPV4.fullmatch(address)
    if whole:
        return f"{whole[1]}.{whole[2]}.0.0" if address.count(".") == 3 else None
    if ":" in address:
        return _site(address.strip("[]").partition("%")[0].lower())
    return None


def _site(address: str) -> str | None:
    head, gap, _ = address.partition("::")
    groups = head.split(":") if head else []
    if not gap and len(groups) < _ALL_GROUPS - 2:
        return None
    groups = [*groups, *["0"] * _SITE_GROUPS][:_SITE_GROUPS]
    if not all(_GROUP.fullmatch(group) for group in groups):
        return None
    kept = [group.lstrip("0") or "0" for group in groups]
    while kept and kept[-1] == "0":
        kept.pop()
    return ":".join(kept) + "::"
