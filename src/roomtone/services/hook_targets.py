"""Targets: which URLs a webhook may have, and which addresses may be called for it.

A webhook's URL is written by whoever holds an API token and called by this server, which may reach
what they may not: the machine itself, its network, a cloud's metadata service. So only public
addresses are called, unless the operator's setting ``webhooks_allow_private`` says otherwise. Names
are looked up at every call, and the connection is made to the very address that was checked.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from msgspec import Struct

MAX_URL_CHARS = 2_048
DEFAULT_PORTS = {"http": 80, "https": 443}

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""What of IPv6 is given out for the public internet at all (RFC 4291, 2.4)."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 as seen through a translator (RFC 6052): as public as the IPv4 address at its end."""
_TRANSITIONAL = (
    IPv6Network("2001::/32"),  # Teredo (RFC 4380)
    IPv6Network("2002::/16"),  # 6to4 (RFC 3056): both tunnel to an IPv4 address of one's choice
)


class Target(Struct, frozen=True):
    """A URL in parts. ``host`` is ASCII and, if an IPv6 address, without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query; never empty."""

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """The parts of a webhook's URL. Raises ValueError with words that follow the field's name."""
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"must be at most {MAX_URL_CHARS} characters")
    if any(char <= " " or char == "\x7f" for char in url) or "\\" in url:
        raise ValueError("must not contain blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        raise ValueError("must be a URL: its host or port cannot be read") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("must begin with https:// or http://")
    if not host or not host.isascii():
        raise ValueError("must name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user or password: verify rtk-signature instead")
    if not (parts.path + parts.query).isascii():
        raise ValueError("must percent-encode what is not ASCII in its path and query")
    if port == 0:
        raise ValueError("must not have port 0")
    return Target(
        parts.scheme,
        host.lower(),
        DEFAULT_PORTS[parts.scheme] if port is None else port,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise ValueError for a URL that is none, or that names an address which is not public.

    A name is not looked up here: what it leads to may change until it is called.
    """
    target = parse_target(url)
    if allow_private:
        return
    name = target.host.rstrip(".")
    literal = _literal(name)
    private = literal is not None and not is_public(literal)
    if private or name == "localhost" or name.endswith(".localhost"):
        raise ValueError(
            "must not lead to a private or local address; the operator's setting "
            "webhooks_allow_private permits it"
        )


def _literal(host: str) -> str | None:
    """The address that a host spells, in any of the spellings that resolvers accept."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001, 2130706433 and 017700000001 are all 127.0.0.1 to a C library.
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: str) -> bool:
    """Whether an address (as ``getaddrinfo`` gives it) belongs to the public internet."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return _public_v4(ip) if isinstance(ip, IPv4Address) else _public_v6(ip)


def _public_v4(ip: IPv4Address) -> bool:
    # is_global knows private, loopback, link-local, shared (CGNAT), test and reserved ranges.
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _public_v6(ip: IPv6Address) -> bool:
    if ip in _NAT64:
        return _public_v4(IPv4Address(ip.packed[-4:]))
    if ip not in _GLOBAL_UNICAST or any(ip in network for network in _TRANSITIONAL):
        return False  # among them ::ffff:0:0/96, IPv4 in IPv6's clothes
    return ip.is_global and not ip.is_multicast
